from __future__ import annotations

import pytest
from provider_client import ManualTime, Start

from nightdrop.errors import UsageError
from nightdrop.testing import Limits
from nightdrop.testing.limits import Gate, duration, retry_headers


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.12, "120ms"), (1, "1s"), (59.95, "59.95s"), (60, "1m0s"), (73.2, "1m13.2s"), (360, "6m0s")],
)
def test_durations_are_written_as_openai_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text
    assert duration(3600) == "1h0m0s"


def test_retry_after_rounds_up() -> None:
    assert retry_headers(0.25) == {"retry-after": "1", "retry-after-ms": "250"}


def test_requests_refill_evenly(time: ManualTime) -> None:
    gate = Gate(Limits(requests_per_minute=60, window_seconds=2), time.timing.monotonic)
    assert [gate.admit(1) is None for _ in range(3)] == [True, True, False]
    refusal = gate.admit(1)
    assert refusal is not None
    assert refusal.by == "requests"
    assert refusal.wait == pytest.approx(1.0)
    time.advance(1.0)
    assert gate.admit(1) is None
    assert gate.admit(1) is not None


def test_a_refused_call_takes_nothing(time: ManualTime) -> None:
    gate = Gate(Limits(requests_per_minute=60, tokens_per_minute=100), time.timing.monotonic)
    assert gate.admit(80) is None
    refusal = gate.admit(80)
    assert refusal is not None
    assert refusal.by == "tokens"
    assert gate.headers()["x-ratelimit-remaining-requests"] == "59"
    assert gate.headers()["x-ratelimit-remaining-tokens"] == "20"


def test_answers_may_overdraw_the_tokens(time: ManualTime) -> None:
    gate = Gate(Limits(tokens_per_minute=60), time.timing.monotonic)
    assert gate.admit(50) is None
    gate.spend(40)
    assert gate.headers()["x-ratelimit-remaining-tokens"] == "0"
    assert gate.headers()["x-ratelimit-reset-tokens"] == "1m30s"
    refusal = gate.admit(1)
    assert refusal is not None
    assert refusal.wait == pytest.approx(31.0)


def test_a_call_larger_than_the_limit_has_no_wait(time: ManualTime) -> None:
    refusal = Gate(Limits(tokens_per_minute=60), time.timing.monotonic).admit(61)
    assert refusal is not None
    assert refusal.wait is None


@pytest.mark.parametrize("data", [[], {"rpm": 1}, {"concurrency": 0}, {"requests_per_minute": "9"}])
def test_wrong_limits_are_refused(data: object) -> None:
    with pytest.raises(UsageError):
        Limits.from_json(data)


def test_429_over_http_with_the_real_headers(start: Start, time: ManualTime) -> None:
    client = start(limits=Limits(requests_per_minute=60, tokens_per_minute=6000, window_seconds=1), timing=time.timing)
    first = client.chat()
    assert first.status == 200
    assert first.headers["x-ratelimit-limit-requests"] == "60"
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    assert first.headers["x-ratelimit-reset-requests"] == "1s"
    assert first.headers["x-ratelimit-limit-tokens"] == "6000"
    assert int(first.headers["x-ratelimit-remaining-tokens"]) < 100
    assert first.headers["x-ratelimit-reset-tokens"].endswith("ms")
    second = client.responses()
    assert second.status == 429
    assert second.json["error"]["code"] == "rate_limit_exceeded"
    assert second.headers["retry-after"] == "1"
    assert second.headers["retry-after-ms"] == "1000"
    assert second.headers["x-ratelimit-remaining-requests"] == "0"
    time.advance(1)
    assert client.chat().status == 200
    assert [(call.outcome, call.limited_by, call.billed) for call in client.provider.meter.calls] == [
        ("answered", None, True),
        ("429", "requests", False),
        ("answered", None, True),
    ]


def test_tokens_per_minute_over_http(start: Start, time: ManualTime) -> None:
    client = start(limits=Limits(tokens_per_minute=30), timing=time.timing)
    assert client.chat(text="x" * 80).status == 200
    second = client.chat(text="x" * 80)
    assert second.status == 429
    assert second.json["error"]["type"] == "tokens"
    assert client.chat(text="x" * 400).headers.get("retry-after") is None
    assert [call.limited_by for call in client.provider.meter.calls] == [None, "tokens", "tokens"]


def test_concurrency_and_change_at_run_time(start: Start, time: ManualTime) -> None:
    client = start(limits=Limits(concurrency=1, retry_after=0.5), latency=5, timing=time.timing)
    slow = client.connect()
    slow.request("POST", "/v1/chat/completions", '{"model": "m", "messages": "hello"}')
    time.wait_for_sleepers(1)
    assert client.provider.in_flight == 1
    refused = client.chat()
    assert refused.status == 429
    assert refused.headers["retry-after-ms"] == "500"
    client.provider.set_limits(Limits(concurrency=2))
    other = client.connect()
    other.request("POST", "/v1/chat/completions", '{"model": "m", "messages": "hello"}')
    time.wait_for_sleepers(2)
    assert client.request("POST", "/_limits", {"concurrency": 1}).json["concurrency"] == 1
    assert client.chat().status == 429
    time.advance(5)
    for connection in (slow, other):
        assert connection.getresponse().status == 200
        connection.close()
    assert client.request("GET", "/_limits").json["concurrency"] == 1
    assert client.request("POST", "/_limits", {"nonsense": 1}).status == 400
