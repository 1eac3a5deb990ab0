"""`Budget(...)`: what does not fit is not asked. The sums are in tests/unit/store, processes in tests/acceptance."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, Budget, RunStatus, UsageError
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.testing import Fault, SimulatedProvider
from tests.conftest import change_at, rows_at
from tests.fundamentals.conftest import MESSAGE, document, until

Make = Callable[..., Agent]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimulatedProvider]:
    """A simulated provider, and a price list on which an answer of 2,048 tokens is a dollar."""
    prices = tmp_path / "prices.toml"
    prices.write_text('["gpt-4o-mini"]\ninput = "1.00"\noutput = "500.00"\n')
    monkeypatch.setenv("NIGHTDROP_PRICES", str(prices))
    with SimulatedProvider() as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


@pytest.fixture
def spending(db: Database, provider: SimulatedProvider) -> Make:
    """Makes agents of one id."""
    name = f"spending-{uuid.uuid4().hex[:8]}"

    def make(model: str = "openai-chat:gpt-4o-mini", retries: int = 0, **budget: Any) -> Agent:
        return Agent(id=name, model=model, output_schema=Invoice, retries=retries, db=db, budget=Budget(**budget))

    return make


def test_a_call_that_fits_is_made_and_one_that_does_not_is_not(spending: Make, provider: SimulatedProvider) -> None:
    assert spending(per_run=2).run(MESSAGE, files=[document(1)]).status is RunStatus.COMPLETED
    run = spending(per_run=1).run(MESSAGE, files=[document(2)])
    assert run.status is RunStatus.ERROR
    assert run.error is not None
    assert (run.error.code, run.error.retryable) == ("budget_exceeded", True)
    assert "the budget of 1 USD for one run" in run.error.message
    assert (run.metrics.model_calls, run.metrics.cost) == (0, 0)
    assert provider.meter.totals().calls == 1


def test_it_can_be_replayed_under_a_larger_one(db: Database, spending: Make) -> None:
    """A budget is not part of the revision: the same run goes on."""
    run = spending(per_run=1).run(MESSAGE, files=[document(1)])
    (letter,) = db.dead_letters.list(code="budget_exceeded", agent_id=run.agent_id)
    agent = spending(per_run=5)
    db.dead_letters.replay([letter.id])
    assert until(lambda: agent.get_run_output(run.run_id).status is RunStatus.COMPLETED)


def test_what_failed_and_cost_nothing_takes_nothing(spending: Make, provider: SimulatedProvider) -> None:
    provider.set_faults([Fault(kind="500", first=3)])
    assert spending(per_run=2, retries=3).run(MESSAGE, files=[document(1)]).status is RunStatus.COMPLETED


def test_what_may_have_been_billed_stays_taken(spending: Make, provider: SimulatedProvider) -> None:
    provider.set_faults([Fault(kind="reset_after", first=1)])
    run = spending(per_run=2, retries=3).run(MESSAGE, files=[document(1)])
    assert run.error is not None
    assert run.error.code == "budget_exceeded"
    assert provider.meter.totals().calls == 1


def test_a_run_that_waits_says_for_what_and_can_be_cancelled(
    spending: Make, place: str, provider: SimulatedProvider
) -> None:
    agent = spending(per_day="1.05", on_exceeded="wait")
    provider.set_faults([Fault(kind="reset_after", first=1)])
    agent.run(MESSAGE, files=[document(1)])  # nobody knows whether it was billed
    waiting = agent.run(MESSAGE, files=[document(2)], background=True)
    page = f"SELECT waits_for, attempt FROM nightdrop_runs WHERE run_id = '{waiting.run_id}' AND waits_for IS NOT NULL"
    assert until(lambda: rows_at(place, page)) == [(f"the budget of 1.05 USD a day (UTC) for {agent.id}", 1)]
    assert provider.meter.totals().calls == 1
    assert agent.cancel_run(waiting.run_id)
    assert agent.get_run_output(waiting.run_id).status is RunStatus.CANCELLED


def test_a_run_that_waits_goes_on_by_itself(
    spending: Make, place: str, provider: SimulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nightdrop.store.reservations.LOOK_AGAIN_SECONDS", 3.0)
    agent = spending(per_day="1.05", on_exceeded="wait")
    provider.set_faults([Fault(kind="reset_after", first=1)])
    lost = agent.run(MESSAGE, files=[document(1)])
    provider.set_faults(None)
    waiting = agent.run(MESSAGE, files=[document(2)], background=True)
    put_back = f"SELECT 1 FROM nightdrop_runs WHERE run_id = '{waiting.run_id}' AND waits_for IS NOT NULL"
    until(lambda: rows_at(place, put_back))
    closed = f"UPDATE nightdrop_model_calls SET closed_at = 1, cost_pico = 0 WHERE run_id = '{lost.run_id}'"
    change_at(place, closed)  # the bill has come: it cost nothing
    assert until(lambda: agent.get_run_output(waiting.run_id).status is RunStatus.COMPLETED)


def test_what_is_under_way_is_waited_for(spending: Make, provider: SimulatedProvider) -> None:
    """Two calls that may cost a dollar each, and a dollar and a half to spend: one after the other."""
    agent = spending(per_batch="1.50")
    progress = agent.batch([document(n) for n in range(3)], MESSAGE).wait(timeout=60)
    assert (progress.done, progress.failed) == (3, 0)


def test_without_a_price_nothing_is_asked(spending: Make, provider: SimulatedProvider) -> None:
    with pytest.raises(UsageError) as refused:
        spending("openai-chat:never-heard-of-it", per_run=1).run(MESSAGE, files=[document(1)])
    assert refused.value.code == "price_unknown"
    allowed = spending("openai-chat:never-heard-of-it", per_run=1, price_unknown="allow")
    run = allowed.run(MESSAGE, files=[document(1)])
    assert (run.status, run.metrics.cost) == (RunStatus.COMPLETED, None)
    assert provider.meter.totals().calls == 1


def test_a_budget_needs_a_database(provider: SimulatedProvider) -> None:
    agent = Agent(model="openai-chat:gpt-4o-mini", output_schema=Invoice, budget=Budget(per_run=1))
    with pytest.raises(UsageError) as refused:
        agent.run(MESSAGE, files=[document(1)])
    assert refused.value.code == "database_required"
    assert provider.meter.totals().calls == 0


def test_a_local_agent_costs_nothing(db: Database) -> None:
    agent = Agent(id="free", model="local", output_schema=Invoice, db=db, budget=Budget(per_run="0.000001"))
    assert agent.run(MESSAGE, files=[document(1)]).status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    "wrong", [{"per_run": 0}, {"per_day": -1}, {"per_batch": "much"}, {"per_run": True}, {"on_exceeded": "cry"}]
)
def test_a_budget_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Budget(**wrong)


def test_amounts_are_kept_exactly() -> None:
    assert Budget(per_run=0.1, per_batch="5.00", per_day=20) == Budget(
        per_run=Decimal("0.1"), per_batch=Decimal(5), per_day=Decimal("20.0")
    )
