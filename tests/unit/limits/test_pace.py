"""The core that decides when a call may go, against a provider with hidden limits, on a simulated clock."""

from __future__ import annotations

import pytest
from tests.unit.limits.simulation import Simulation

from nightdrop import RateLimit
from nightdrop.limits.pace import Pace
from nightdrop.testing.limits import Limits

LATENCY = 0.5


def simulated(limits: Limits, processes: int = 1, **options: object) -> Simulation:
    paces = [Pace(RateLimit(), 0.0) for _ in range(processes)]
    for pace in paces:
        pace.resize(places=None, share=1 / processes, now=0.0)
    return Simulation(limits, paces, latency=LATENCY, **options)  # type: ignore[arg-type]


def found_again(s: Simulation, changed_at: int, rate: float, until: int) -> int:
    """Seconds after a change until five seconds in a row had 90 % of the new rate."""
    return next(t - changed_at for t in range(changed_at, until - 5) if s.rate(t, t + 5) >= 0.9 * rate)


def test_it_starts_at_four_and_reaches_four_fifths_of_64_within_20_seconds() -> None:
    s = simulated(Limits(concurrency=64))
    assert s.paces[0].width == 4
    s.run(20)
    assert s.gate.running >= 0.8 * 64
    assert s.rate(15, 20) >= 0.8 * 64 / LATENCY


@pytest.mark.parametrize("processes", [1, 4])
@pytest.mark.parametrize("says", [True, False])
@pytest.mark.parametrize("at_once", [16, 64])
def test_a_hidden_concurrency_is_used_and_rarely_exceeded(at_once: int, processes: int, says: bool) -> None:
    s = simulated(Limits(concurrency=at_once), processes, says=says)
    s.run(90)
    assert s.rate(30, 90) >= 0.95 * at_once / LATENCY
    assert s.refused_share(30, 90) <= 0.01


@pytest.mark.parametrize("processes", [1, 4])
@pytest.mark.parametrize("limits", [Limits(requests_per_minute=1200, window_seconds=1), Limits(requests_per_minute=60)])
def test_requests_per_minute_that_answers_tell_are_kept_to(limits: Limits, processes: int) -> None:
    s = simulated(limits, processes)
    s.run(180)
    assert limits.requests_per_minute is not None
    assert s.rate(120, 180) >= 0.95 * limits.requests_per_minute / 60
    assert s.refused_share(30, 180) <= 0.01


@pytest.mark.parametrize("processes", [1, 4])
def test_tokens_per_minute_that_answers_tell_are_kept_to(processes: int) -> None:
    s = simulated(Limits(tokens_per_minute=120_000, window_seconds=5), processes)
    s.run(120)
    assert s.rate(60, 120) * s.tokens >= 0.95 * 2000
    assert s.refused_share(60, 120) <= 0.01


@pytest.mark.parametrize("processes", [1, 4])
@pytest.mark.parametrize(("before", "after"), [(16, 128), (64, 16), (64, 96)])
def test_a_changed_concurrency_is_found_again_within_a_minute(before: int, after: int, processes: int) -> None:
    s = simulated(Limits(concurrency=before), processes)
    s.run(60)
    s.gate.change(Limits(concurrency=after))
    s.run(180)
    assert found_again(s, 60, after / LATENCY, 180) < 60
    assert s.rate(130, 180) >= 0.95 * after / LATENCY


@pytest.mark.parametrize(("before", "after"), [(1200, 3000), (1200, 300)])
def test_a_changed_rate_is_found_again_within_a_minute(before: int, after: int) -> None:
    s = simulated(Limits(requests_per_minute=before, window_seconds=1))
    s.run(60)
    s.gate.change(Limits(requests_per_minute=after, window_seconds=1))
    s.run(150)
    assert found_again(s, 60, after / 60, 150) < 60
    assert s.refused_share(100, 150) <= 0.01


@pytest.mark.parametrize("says", [True, False])
def test_no_limit_at_all_is_no_limit(says: bool) -> None:
    s = simulated(Limits(), says=says)
    s.run(10)
    assert s.paces[0].width > 200
    assert s.refused == []


@pytest.mark.parametrize("rpm", [30, 600, 6000])
def test_requests_that_the_user_gave_hold_in_any_minute(rpm: int) -> None:
    s = Simulation(Limits(), [Pace(RateLimit(requests_per_minute=rpm), 0.0)])
    s.run(200)
    starts = sorted(at - LATENCY for at in s.answered)
    most = max(sum(first <= at < first + 60 for at in starts) for first in starts[:: max(1, rpm // 30)])
    assert most <= rpm + 1
    assert s.rate(60, 180) >= 0.95 * rpm / 60


def test_a_concurrency_that_the_user_gave_is_exact() -> None:
    s = Simulation(Limits(concurrency=10), [Pace(RateLimit(concurrency=10), 0.0)])
    s.run(30)
    assert s.refused == []
    assert s.rate(10, 30) == pytest.approx(20, rel=0.05)


def test_a_call_larger_than_what_a_minute_allows_goes_when_nothing_else_did() -> None:
    pace = Pace(RateLimit(tokens_per_minute=600), 0.0)
    assert pace.wait(5000, 10.0) == 0
    ticket = pace.begin(5000, 10.0)
    pace.end(ticket, "answered", 11.0, used=5000)
    assert pace.wait(100, 11.0) > 60, "it is paid off before the next"


def test_sizes_are_learned_from_what_calls_really_used() -> None:
    pace = Pace(RateLimit(), 0.0)
    for _ in range(60):
        pace.end(pace.begin(100, 0.0), "answered", 0.5, used=400)
    assert pace.count(100) == pytest.approx(400, rel=0.05)
