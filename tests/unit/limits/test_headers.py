"""What answers say of limits, in each form that providers use."""

from __future__ import annotations

import asyncio

import pytest

from nightdrop.limits.headers import Allowance, Hints, hear, listening


def test_openais_form() -> None:
    said = Hints.of(
        {
            "x-ratelimit-limit-requests": "500",
            "x-ratelimit-remaining-requests": "499",
            "x-ratelimit-reset-requests": "120ms",
            "x-ratelimit-limit-tokens": "30000",
            "x-ratelimit-remaining-tokens": "29000",
            "x-ratelimit-reset-tokens": "6m0s",
        }
    )
    assert said.requests == Allowance(limit=500, remaining=499, reset=0.12)
    assert said.tokens == Allowance(limit=30000, remaining=29000, reset=360.0)


def test_anthropics_form() -> None:
    said = Hints.of(
        {
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "0",
            "anthropic-ratelimit-requests-reset": "2026-03-01T12:00:30Z",
            "anthropic-ratelimit-input-tokens-limit": "40000",
            "anthropic-ratelimit-input-tokens-remaining": "1000",
            "retry-after": "12",
        },
        now_unix=1772366400.0,
    )
    assert said.requests == Allowance(limit=50, remaining=0, reset=30.0)
    assert said.tokens == Allowance(limit=40000, remaining=1000)
    assert said.retry_after == 12


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2", "retry-after-ms": "150"}, 0.15),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert Hints.of(headers).retry_after == seconds


@pytest.mark.parametrize("limit", ["0", "many", "-1", ""])
def test_nonsense_is_not_believed(limit: str) -> None:
    said = Hints.of({"x-ratelimit-limit-requests": limit, "x-ratelimit-remaining-requests": "1"})
    assert said.requests is None


async def test_each_task_hears_its_own_answers() -> None:
    async def ask(number: int) -> dict[str, str]:
        with listening() as box:
            await asyncio.sleep(0)
            hear({"X-Number": str(number)})
            await asyncio.sleep(0)
            return dict(box)

    assert await asyncio.gather(*map(ask, range(3))) == [{"x-number": str(n)} for n in range(3)]
    hear({"x": "nobody listens"})
