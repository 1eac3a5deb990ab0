"""The retry policy: the table, the count of calls over postponements, and the end of patience."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import BaseModel
from tests.conftest import rows_at

from nightdrop import Agent, File, RunStatus, clock
from nightdrop.agents import tries
from nightdrop.agents.retry_policy import RULES, Postponed, backoff, rule_for, spends
from nightdrop.agents.tries import Tries
from nightdrop.errors import AnswerInvalid, ModelFailed, ProviderUnavailable, QuotaExhausted, RateLimited, every_error
from nightdrop.ledger.log import MemoryLog
from nightdrop.records.model_call import PastCall
from nightdrop.store import Database
from nightdrop.store.dead_letters import list_dead_letters
from nightdrop.testing import Fault, Limits

MODEL = "openai-chat:gpt-4o-mini"
FILES = [File(content=b"Invoice R-7", filename="a.txt")]
HOUR = 3_600_000


class Paid(BaseModel):
    """An invoice of one field."""

    invoice_number: str


def log_of(*outcomes: str, at: int = 0) -> MemoryLog:
    log = MemoryLog("r")
    log.past = [PastCall(outcome=outcome, response=None, at=at) for outcome in outcomes]
    return log


def test_every_error_of_a_model_has_a_rule() -> None:
    codes = {kind.code for kind in every_error() if issubclass(kind, ModelFailed)}
    assert codes == set(RULES)
    assert rule_for("no_such_code").again == "never"


def test_what_a_call_spends() -> None:
    free = {"rate_limited", "provider_overloaded", "provider_paused", "quota_exhausted", "provider_auth"}
    assert {o for o in (*RULES, "answered", "cancelled") if not spends(o)} == free | {"answered", "cancelled"}


def test_the_pause_doubles_with_jitter_and_is_bounded() -> None:
    for failures, most in ((1, 1.0), (2, 2.0), (3, 4.0), (7, 60.0), (500, 60.0)):
        waits = [backoff(failures) for _ in range(200)]
        assert most / 2 <= min(waits) < max(waits) <= most
    assert len({backoff(3) for _ in range(20)}) > 1


async def test_failures_that_were_recorded_before_count() -> None:
    assert Tries(2, log_of("provider_unavailable", "answered", "rate_limited", "cancelled")).left == 2
    with pytest.raises(ModelFailed, match="provider_unavailable"):
        Tries(1, log_of("provider_unavailable", "provider_unavailable"))


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if rule.again == "never"])
async def test_what_cannot_help_is_not_tried_again(code: str) -> None:
    failure = ModelFailed("no")
    failure.code = code
    with pytest.raises(ModelFailed) as caught:
        await Tries(5, log_of()).after(failure)
    assert caught.value is failure


async def test_an_invalid_answer_goes_back_at_once_until_the_calls_are_spent() -> None:
    left = Tries(1, log_of())
    await left.after(AnswerInvalid("wrong"))
    with pytest.raises(AnswerInvalid):
        await left.after(AnswerInvalid("wrong"))


async def test_a_long_wait_is_a_postponement_whoever_names_it() -> None:
    with pytest.raises(Postponed) as named:
        await Tries(1, log_of()).after(ProviderUnavailable("busy", retry_after=90))
    assert named.value.seconds == 90
    with pytest.raises(Postponed) as grown:
        await Tries(9, log_of(*["provider_unavailable"] * 6)).after(ProviderUnavailable("busy"))
    assert 30 <= grown.value.seconds <= 60
    with pytest.raises(ProviderUnavailable):
        await Tries(1, log_of()).after(ProviderUnavailable("come back next year", retry_after=365 * 86_400))


async def test_rate_limits_wait_longer_each_time_also_over_postponements() -> None:
    with pytest.raises(Postponed) as caught:
        await Tries(0, log_of(*["rate_limited"] * 6, at=clock.now_ms())).after(RateLimited("slow down"))
    assert 30 <= caught.value.seconds <= 60


async def test_patience_with_a_rate_limit_ends() -> None:
    began = clock.now_ms() - 25 * HOUR
    with pytest.raises(RateLimited, match=r"25\.0 hours.*NIGHTDROP_RATE_LIMIT_PATIENCE_HOURS is 24"):
        await Tries(0, log_of("rate_limited", at=began)).after(RateLimited("too large"))
    with pytest.raises(RateLimited):
        await Tries(0, log_of()).after(RateLimited("tomorrow and a bit", retry_after=25 * 3600))
    fresh = log_of("rate_limited", "answered", at=began)
    with pytest.raises(Postponed):  # an answer in between: the patience begins anew
        await Tries(0, fresh).after(RateLimited("slow down", retry_after=6))


@pytest.mark.parametrize("retries", [0, 3])
def test_exactly_one_call_and_its_retries_also_over_postponements(
    provider: Any, db: Database, place: str, retries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nightdrop.agents.retry_policy._BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(tries, "LONG_WAIT_SECONDS", 0.001)  # every pause is a way back through the queue
    simulated = provider(faults=[Fault(kind="500")])
    run = Agent(id="a", model=MODEL, output_schema=Paid, db=db, retries=retries).run("Read.", files=FILES)
    assert run.error is not None
    assert (run.status, run.error.code, run.attempts) == (RunStatus.ERROR, "provider_unavailable", 1)
    assert simulated.meter.totals().outcomes == {"500": 1 + retries}
    dispatched = rows_at(place, "SELECT dispatches FROM nightdrop_runs")
    assert dispatched == [(1 + retries,)], "no worker slept: each wait was a re-enqueue"


def test_no_credit_is_one_call_and_a_dead_letter(provider: Any, db: Database) -> None:
    simulated = provider(faults=[Fault(kind="insufficient_quota")])
    run = Agent(id="a", model=MODEL, output_schema=Paid, db=db, retries=5).run("Read.", files=FILES)
    assert run.error is not None
    assert (run.error.code, run.error.retryable) == (QuotaExhausted.code, True)
    assert len(simulated.meter.calls) == 1


@pytest.mark.parametrize("durable", [True, False])
def test_a_call_larger_than_the_providers_window_ends_as_a_dead_letter(
    provider: Any, db: Database, durable: bool
) -> None:
    """Its 429 names no time and says so: it is not asked again, instead of going round for a day."""
    simulated = provider(limits=Limits(tokens_per_minute=1))
    agent = Agent(id="a", model=MODEL, output_schema=Paid, db=db if durable else None, retries=0)
    run = agent.run("Read.", files=FILES)
    assert run.error is not None
    assert (run.error.code, run.error.retryable, run.attempts) == ("document_too_long", False, 1)
    assert simulated.meter.totals().outcomes == {"429": 1}
    if durable:
        with db.read() as connection:
            (letter,) = list_dead_letters(connection)
        assert (letter.code, letter.retryable) == ("document_too_long", False)
        simulated.set_limits(Limits())
        assert agent.batch(FILES, "Read.").wait(60).failed == 0


def test_a_postponed_run_waits_in_its_row_and_can_be_cancelled(provider: Any, db: Database, place: str) -> None:
    provider(faults=[Fault(kind="429", calls=(1,), seconds=60.0)])
    agent = Agent(id="a", model=MODEL, output_schema=Paid, db=db, retries=0)
    run = agent.run("Read.", files=FILES, background=True)
    deadline = time.monotonic() + 20
    while not (row := rows_at(place, "SELECT status, executor_id, not_before FROM nightdrop_runs")[0])[2]:
        assert time.monotonic() < deadline, "it was not postponed"
        time.sleep(0.02)
    assert row[:2] == ("PENDING", None)
    assert agent.cancel_run(run.run_id)
    assert agent.get_run_output(run.run_id).status is RunStatus.CANCELLED
