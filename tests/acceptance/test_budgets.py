"""Budgets as a user meets them: real processes against a simulated provider that has a meter of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nightdrop.testing import Fault, SimulatedProvider
from nightdrop.testing.meter import Meter
from nightdrop.testing.price import Price
from tests.acceptance.conftest import providers, until, with_tables
from tests.conftest import change_at, finished, nightdrop, rows_at, said_so_far

APP = Path(__file__).parent / "budget_app.py"
PRICES = '["gpt-4o-mini"]\ninput = "200.00"\noutput = "10.00"\n'
LIKE_IT = Price(input=Decimal(200), cached_input=Decimal(200), output=Decimal(10))
LEAST = Decimal("0.06")  # what a call has to reserve at these prices; it costs 0.006


@pytest.fixture
def place(place: str) -> str:
    return with_tables(place)


@pytest.fixture
def provider() -> Iterator[Any]:
    with providers(lambda: {"meter": Meter(price=LIKE_IT)}) as start:
        yield start


def run(
    place: str,
    folder: Path,
    provider: SimulatedProvider,
    *extra: str,
    budget: dict[str, Any] | None = None,
    as_json: bool = True,
    **env: str,
) -> Any:
    (folder.parent / "prices.toml").write_text(PRICES)
    given = {} if budget is None else {"BUDGET": json.dumps(budget)}
    env = {
        **provider.environment, "TEST_DB": place, "NIGHTDROP_PRICES": str(folder.parent / "prices.toml"), **given, **env
    }  # fmt: skip
    return nightdrop("run", folder, "--agent", f"{APP}:agent", *(["--json"] if as_json else []), *extra, env=env)


def spent(provider: SimulatedProvider) -> Decimal:
    """US dollars on the provider's own meter."""
    return provider.meter.totals().cents / 100


def codes(place: str) -> dict[str | None, int]:
    return dict(rows_at(place, "SELECT error_code, count(*) FROM nightdrop_runs GROUP BY error_code"))


def test_a_batch_never_costs_more_than_its_budget_over_processes(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider(latency=0.05)
    code, out, err = finished(run(place, invoices(60), simulated, "--budget", "0.25", "--processes", "2"))
    assert code == 1, err
    state = json.loads(out)
    completed = state["done"] - state["failed"]
    assert codes(place) == {None: completed, "budget_exceeded": 60 - completed}
    assert simulated.meter.totals().billed_calls == completed > 5
    assert Decimal("0.25") - LEAST < spent(simulated) <= Decimal("0.25")
    letters = rows_at(place, "SELECT DISTINCT code FROM nightdrop_dead_letters WHERE state = 'open'")
    assert letters == [("budget_exceeded",)]
    again = run(place, invoices(60), simulated, "--budget", "5.00", "--retry-failed")
    code, _, err = finished(again)
    assert code == 0, err
    assert codes(place) == {None: 60}
    assert simulated.meter.totals().billed_calls == 60


def test_a_raised_budget_goes_on_with_what_waits(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider()
    folder = invoices(150)
    process = run(place, folder, simulated, "--budget", "0.12", "--on-budget", "wait", as_json=False)
    waiting = "SELECT run_id FROM nightdrop_runs WHERE waits_for LIKE 'the budget of 0.12 USD%' AND not_before > {}"
    (run_id,), *_ = until(lambda: rows_at(place, waiting.format(int(time.time() * 1000) + 10_000)))
    page = finished(nightdrop("runs", "show", run_id, "--db", place))[1]
    assert "the budget of 0.12 USD for the batch" in page
    untried = "SELECT count(*) FROM nightdrop_runs WHERE dispatches = 0"
    assert rows_at(place, untried)[0][0] > 0, "what counts against a full budget is not tried one by one"
    assert "budget of 0.12 USD" in finished(nightdrop("doctor", "--db", place))[1]
    until(lambda: "is used up for now: documents wait" in said_so_far(process))
    process.terminate()
    finished(process)
    assert spent(simulated) <= Decimal("0.12")
    code, _, err = finished(run(place, folder, simulated, "--budget", "10.00"))
    assert code == 0, err
    assert rows_at(place, "SELECT count(*) FROM nightdrop_batches") == [(1,)]
    assert codes(place) == {None: 150}


def test_a_day_is_in_utc_and_of_the_agent(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider()
    code, _, err = finished(run(place, invoices(30), simulated, budget={"per_day": "0.12"}))
    assert code == 1, err
    assert 0 < spent(simulated) <= Decimal("0.12")
    before = codes(place)["budget_exceeded"]
    change_at(place, "UPDATE nightdrop_model_calls SET opened_at = opened_at - 86400000")  # that was yesterday
    code, _, err = finished(run(place, invoices(30), simulated, "--retry-failed", budget={"per_day": "0.12"}))
    assert code == 1, err
    assert codes(place)["budget_exceeded"] < before


def test_the_whole_database_has_a_budget_too(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider()
    code, _, err = finished(run(place, invoices(30), simulated, NIGHTDROP_BUDGET_PER_DAY="0.12"))
    assert code == 1, err
    assert 0 < spent(simulated) <= Decimal("0.12")
    code, _, _ = finished(run(place, invoices(1, "other"), simulated, NIGHTDROP_BUDGET_PER_DAY="a lot"))
    assert code == 2


def test_retries_of_one_run_count_against_its_budget(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider(faults=[Fault(kind="invalid")])
    code, _, err = finished(run(place, invoices(1), simulated, budget={"per_run": "0.20"}, RETRIES="50"))
    assert code == 1, err
    assert codes(place) == {"budget_exceeded": 1}
    assert 2 < simulated.meter.totals().billed_calls < 50
    assert spent(simulated) <= Decimal("0.20")


@pytest.mark.parametrize("on_exceeded", ["fail", "wait"])
def test_what_could_never_fit_fails(place: str, invoices: Any, provider: Any, on_exceeded: str) -> None:
    simulated = provider()
    budget = {"per_batch": "0.01", "on_exceeded": on_exceeded}
    code, _, err = finished(run(place, invoices(2), simulated, budget=budget))
    assert code == 1, err
    assert codes(place) == {"budget_exceeded": 2}
    assert simulated.meter.totals().calls == 0


def test_a_budget_needs_a_price_unless_it_is_allowed_not_to(place: str, invoices: Any, provider: Any) -> None:
    simulated = provider()
    folder = invoices(2)
    process = run(place, folder, simulated, budget={"per_day": "1.00"}, NIGHTDROP_PRICES="none.toml", MODEL="x")
    code, _, err = finished(process)
    assert code == 2
    assert "price_unknown" in err
    assert simulated.meter.totals().calls == 0
    budget = {"per_day": "1.00", "price_unknown": "allow"}
    code, _, err = finished(run(place, folder, simulated, budget=budget, NIGHTDROP_PRICES="none.toml", MODEL="x"))
    assert code == 0, err


def test_the_length_of_an_answer_is_asked_for_where_the_budget_leaves_no_more(
    place: str, invoices: Any, provider: Any
) -> None:
    simulated = provider()
    code, _, err = finished(run(place, invoices(1), simulated, budget={"per_run": "0.20"}))
    assert code == 0, err
    ((reserved,),) = rows_at(place, "SELECT reserved_pico FROM nightdrop_model_calls")
    assert 0.19e12 < reserved <= 0.20e12
