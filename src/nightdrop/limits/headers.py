"""What a provider's answers say of its limits: `x-ratelimit-*`, `anthropic-ratelimit-*`, `retry-after(-ms)`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

_FORMS = ("x-ratelimit-{fact}-{what}", "anthropic-ratelimit-{what}-{fact}")
_PART = re.compile(r"([\d.]+)(ms|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left of a limit per minute. reset: seconds until it is whole again, None when not said."""

    limit: int
    remaining: int
    reset: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What one answer said. retry_after: seconds."""

    requests: Allowance | None = None
    tokens: Allowance | None = None
    retry_after: float | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str], now_unix: float = 0.0) -> Hints:
        """From headers with lower-case names. now_unix: seconds since 1970, for resets that are a moment."""
        return cls(
            requests=_allowance(headers, "requests", now_unix),
            tokens=_allowance(headers, "tokens", now_unix) or _allowance(headers, "input-tokens", now_unix),
            retry_after=_retry_after(headers),
        )


def _allowance(headers: Mapping[str, str], what: str, now_unix: float) -> Allowance | None:
    for form in _FORMS:
        limit, left, reset = (headers.get(form.format(what=what, fact=f)) for f in ("limit", "remaining", "reset"))
        if limit is not None and left is not None and limit.isdigit() and left.isdigit() and int(limit) > 0:
            return Allowance(limit=int(limit), remaining=int(left), reset=_seconds(reset, now_unix))
    return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if 0 <= wait < 1e7:
            return wait
    return None


def _seconds(text: str | None, now_unix: float) -> float | None:
    """`6m0s`, `120ms`, `2026-03-01T12:00:00Z` or a number of seconds."""
    if not text:
        return None
    if re.fullmatch(r"(?:[\d.]+(?:ms|h|m|s))+", text):
        return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - now_unix)
    except ValueError:
        return None


_heard: ContextVar[dict[str, str] | None] = ContextVar("nightdrop_headers", default=None)


@contextmanager
def listening() -> Iterator[dict[str, str]]:
    """Within, the headers of the last answer, with lower-case names; empty until an HTTP client of ours hears one."""
    box: dict[str, str] = {}
    token = _heard.set(box)
    try:
        yield box
    finally:
        _heard.reset(token)


def hear(headers: Mapping[str, str]) -> None:
    """What the HTTP clients' response hooks call, within the task that asked."""
    box = _heard.get()
    if box is not None:
        box.clear()
        box.update({name.lower(): value for name, value in headers.items()})
