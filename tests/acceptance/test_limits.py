"""Limits and paused providers as a user meets them: real processes against a simulated provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop.testing import Fault, Limits, SimulatedProvider
from tests.acceptance.conftest import providers, until, with_tables
from tests.conftest import finished, nightdrop, rows_at, said_so_far

APP = Path(__file__).parent / "limits_app.py"


@pytest.fixture
def place(place: str) -> str:
    return with_tables(place)


@pytest.fixture
def provider() -> Iterator[Any]:
    with providers() as start:
        yield start


def most_at_once(provider: SimulatedProvider) -> int:
    """The largest number of answered calls that were under way together."""
    moments = [(c.received_at, 1) for c in provider.meter.calls] + [(c.recorded_at, -1) for c in provider.meter.calls]
    running = most = 0
    for _, step in sorted(moments):
        running += step
        most = max(most, running)
    return most


def run(place: str, folder: Path, provider: SimulatedProvider, *extra: str, **env: str) -> Any:
    return nightdrop(
        "run", folder, "--agent", f"{APP}:agent", *extra, env={**provider.environment, "TEST_DB": place, **env}
    )


def test_a_given_concurrency_holds_over_all_processes(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider(latency=0.1)
    code, _, err = finished(run(place, invoices(120), simulated, "--processes", "3", LIMITS="0 0 6"))
    assert code == 0, err
    assert 5 <= most_at_once(simulated) <= 6


def test_a_given_rate_holds_over_all_processes(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider(latency=0.02)
    code, _, err = finished(run(place, invoices(60), simulated, "--processes", "3", LIMITS="600 0 0"))
    assert code == 0, err
    times = sorted(call.received_at for call in simulated.meter.calls)
    for first in range(len(times) - 30):
        assert times[first + 30] - times[first] >= 2400, "30 calls take 3 s at 600 a minute; starts may be uneven"


def test_a_hidden_concurrency_loses_nothing_and_is_found(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider(latency=0.2, limits=Limits(concurrency=12))
    code, _, err = finished(run(place, invoices(300), simulated, "--processes", "2", RETRIES="0"))
    assert code == 0, err
    assert most_at_once(simulated) >= 10
    outcomes = simulated.meter.totals().outcomes
    assert outcomes["answered"] == 300
    assert outcomes.get("429", 0) < 60


@pytest.mark.parametrize("kind", ["429", "529"])
def test_being_told_to_wait_spends_no_attempt(place: str, invoices: Any, provider: Any, kind: str) -> None:
    simulated = provider(faults=[Fault(kind=kind, first=3, seconds=0.1)])
    code, _, err = finished(run(place, invoices(4), simulated, RETRIES="0"))
    assert code == 0, err


@pytest.mark.parametrize(("kind", "code"), [("401", "provider_auth"), ("insufficient_quota", "quota_exhausted")])
def test_a_refused_account_pauses_and_goes_on_when_resumed(
    place: str, invoices: Any, provider: Any, kind: str, code: str
) -> None:
    simulated = provider(faults=[Fault(kind=kind)])
    process = run(place, invoices(40), simulated, RETRIES="0")
    until(lambda: rows_at(place, "SELECT code FROM nightdrop_providers") == [(code,)])
    calls = simulated.meter.totals().calls
    assert calls <= 8, "what was under way when the first answer came, and no more"
    listed = finished(nightdrop("providers", "--json", "--db", place))[1]
    (item,) = json.loads(listed)["items"]
    assert (item["provider"], item["state"], item["code"]) == ("openai", "open", code)
    exit_code, out, _ = finished(nightdrop("doctor", "--db", place))
    assert exit_code == 1
    assert "nightdrop providers resume openai" in out
    until(lambda: "openai is paused" in said_so_far(process))
    simulated.set_faults(None)
    assert finished(nightdrop("providers", "resume", "openai", "--db", place))[0] == 0
    exit_code, _, err = finished(process)
    assert exit_code == 0, err
    assert "openai is asked again" in err
    assert rows_at(place, "SELECT count(*) FROM nightdrop_dead_letters") == [(0,)]


def test_a_provider_that_is_gone_pauses_and_is_found_again(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider(faults=[Fault(kind="500")])
    process = run(place, invoices(60), simulated, RETRIES="2")
    until(lambda: rows_at(place, "SELECT code FROM nightdrop_providers") == [("provider_unavailable",)])
    simulated.set_faults(None)
    code, _, err = finished(process)
    assert code == 0, err
    assert rows_at(place, "SELECT count(*) FROM nightdrop_providers") == [(0,)]
    assert rows_at(place, "SELECT count(*) FROM nightdrop_dead_letters") == [(0,)]


def test_one_bad_document_pauses_nothing(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider(faults=[Fault(kind="500")])
    code, _, err = finished(run(place, invoices(1), simulated, RETRIES="4"))
    assert code == 1, err
    assert rows_at(place, "SELECT count(*) FROM nightdrop_providers") == [(0,)]


def test_paused_by_hand_makes_no_call_until_resumed(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider()
    assert finished(run(place, invoices(1, "first"), simulated))[0] == 0
    assert finished(nightdrop("providers", "pause", "openai", "--reason", "month end", "--db", place))[0] == 0
    process = run(place, invoices(5, "second"), simulated)
    until(lambda: rows_at(place, "SELECT count(*) FROM nightdrop_batches")[0][0] == 2)
    assert "month end" in finished(nightdrop("providers", "--db", place))[1]
    assert simulated.meter.totals().calls == 1
    assert finished(nightdrop("providers", "resume", "openai", "--db", place))[0] == 0
    assert finished(process)[0] == 0
    assert finished(nightdrop("providers", "resume", "openai", "--db", place))[0] == 2
