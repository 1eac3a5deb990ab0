"""Fallback models against two simulated providers: who is asked, what it costs, what it spends, where it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai.models.test import TestModel
from tests.conftest import change_at, rows_at

from nightdrop import Agent, Budget, File, RunOutput, RunStatus
from nightdrop.errors import ModelUnknown, PriceUnknown, UsageError
from nightdrop.store import Database
from nightdrop.testing import Fault, SimulatedProvider, ToolCall

FIRST, SECOND = "anthropic:claude-sonnet-4-6", "openai-chat:gpt-4o-mini"
DOWN, BUSY = [Fault(kind="500")], [Fault(kind="529")]


class Paid(BaseModel):
    """An invoice of one field."""

    invoice_number: str


@dataclass(frozen=True)
class Two:
    """The first model's provider and the second's, and what they were asked."""

    first: SimulatedProvider
    second: SimulatedProvider

    def outcomes(self) -> tuple[list[str], list[str]]:
        return [c.outcome for c in self.first.meter.calls], [c.outcome for c in self.second.meter.calls]


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Starts both with these faults and tools."""
    started: list[SimulatedProvider] = []

    def start(first: Any = None, second: Any = None, **more: Any) -> Two:
        made = Two(SimulatedProvider(faults=first, **more).start(), SimulatedProvider(faults=second, **more).start())
        started.extend([made.first, made.second])
        for name, value in {**made.first.anthropic_environment, **made.second.environment}.items():
            monkeypatch.setenv(name, value)
        return made

    yield start
    for provider in started:
        provider.stop()


def agent_on(db: Database | None, **options: Any) -> Agent:
    return Agent(**{"id": "a", "model": [FIRST, SECOND], "output_schema": Paid, "db": db, **options})


def asked(agent: Agent, number: int = 1) -> RunOutput:
    return agent.run("Read.", files=[File(content=f"Invoice R-{number}".encode(), filename="a.txt")])


def ledger(place: str) -> list[tuple[Any, ...]]:
    return rows_at(place, "SELECT provider, model, outcome FROM nightdrop_model_calls ORDER BY opened_at, number")


@pytest.mark.parametrize("kind", ["500", "503", "529", "reset"])
def test_the_second_is_asked_when_the_first_cannot_answer(two: Any, db: Database, place: str, kind: str) -> None:
    providers = two(first=[Fault(kind=kind)])
    run = asked(agent_on(db))
    assert (run.status, run.attempts, run.metrics.model_calls) == (RunStatus.COMPLETED, 1, 2)
    assert providers.outcomes() == ([kind], ["answered"])
    rows = ledger(place)
    assert [row[:2] for row in rows] == [("anthropic", "claude-sonnet-4-6"), ("openai-chat", "gpt-4o-mini")]
    assert rows[1][2] == "answered"
    by_model = {row.key: row for row in db.costs().items}
    assert set(by_model) == {FIRST, SECOND}
    assert by_model[SECOND].cost is not None
    assert by_model[SECOND].cost > 0


@pytest.mark.parametrize("kind", ["truncated", "refusal"])
def test_what_is_the_documents_fault_stays_with_the_first(two: Any, db: Database, kind: str) -> None:
    providers = two(first=[Fault(kind=kind)])
    assert asked(agent_on(db)).status is RunStatus.ERROR
    assert providers.outcomes() == ([kind], [])


def test_an_invalid_answer_goes_back_to_who_gave_it(two: Any, db: Database) -> None:
    providers = two(first=[Fault(kind="invalid", calls=(1,))])
    assert asked(agent_on(db)).status is RunStatus.COMPLETED
    assert providers.outcomes() == (["invalid", "answered"], [])


def test_a_rate_limit_is_waited_for(two: Any, db: Database) -> None:
    providers = two(first=[Fault(kind="429", calls=(1,), seconds=0.1)])
    assert asked(agent_on(db)).status is RunStatus.COMPLETED
    assert providers.outcomes() == (["429", "answered"], [])


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_one_and_its_retries_in_all(two: Any, db: Database, retries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightdrop.agents.retry_policy._BACKOFF_SECONDS", 0.01)
    providers = two(first=DOWN, second=DOWN)
    run = asked(agent_on(db, retries=retries))
    assert run.error is not None
    assert run.error.code == "provider_unavailable"
    first, second = providers.outcomes()
    assert len(first) + len(second) == 1 + retries
    assert len(first) - len(second) in (0, 1), "in turns, the first of the list first"


def test_an_overload_of_both_spends_nothing_and_begins_again_with_the_first(two: Any, db: Database) -> None:
    busy_once = [Fault(kind="529", calls=(1,))]
    providers = two(first=busy_once, second=busy_once)
    assert asked(agent_on(db, retries=0)).status is RunStatus.COMPLETED
    assert providers.outcomes() == (["529", "answered"], ["529"])


def test_a_paused_first_is_not_asked_and_comes_back(two: Any, db: Database, place: str) -> None:
    providers = two(first=[Fault(kind="insufficient_quota", calls=(1,))])
    agent = agent_on(db, retries=0)
    assert [asked(agent, n).status for n in range(3)] == [RunStatus.COMPLETED] * 3
    assert providers.outcomes() == (["insufficient_quota"], ["answered"] * 3)
    (pause,) = db.providers.list()
    assert (pause.name.partition("@")[0], pause.code) == ("anthropic", "quota_exhausted")
    change_at(place, "UPDATE nightdrop_providers SET probe_at = 1")
    deadline = time.monotonic() + 20
    number = 3
    while len(providers.first.meter.calls) < 2:  # the board reads the pauses once a second
        assert time.monotonic() < deadline
        number += 1
        assert asked(agent, number).status is RunStatus.COMPLETED
        time.sleep(0.2)
    assert db.providers.list() == []
    asked(agent, 99)
    assert providers.outcomes()[0][-1] == "answered"


def test_a_batch_goes_on_with_the_second_while_the_first_is_down(two: Any, db: Database) -> None:
    providers = two(first=DOWN)
    files = [File(content=f"Invoice R-{n}".encode(), filename=f"{n}.txt") for n in range(60)]
    progress = agent_on(db).batch(files, "Read.", concurrency=4).wait(120)
    assert (progress.done, progress.failed) == (60, 0)
    first, second = providers.outcomes()
    assert second == ["answered"] * 60
    assert len(first) < 20, "it was paused after a few"
    assert [pause.code for pause in db.providers.list()] == ["provider_unavailable"]


def test_both_paused_by_hand_wait_in_the_queue(two: Any, db: Database, place: str) -> None:
    providers = two()
    agent = agent_on(db)
    db.providers.pause("anthropic")
    db.providers.pause("openai")
    run = agent.run("Read.", files=[File(content=b"R-1", filename="a.txt")], background=True)
    time.sleep(2)
    assert agent.get_run_output(run.run_id).status is RunStatus.PENDING
    assert [pause.waiting for pause in db.providers.list()] == [1, 1], "it waits for either"
    db.providers.resume("openai")
    deadline = time.monotonic() + 30
    while agent.get_run_output(run.run_id).status is not RunStatus.COMPLETED:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert providers.outcomes() == ([], ["answered"])


def test_somebody_who_waits_is_told_at_once_when_all_are_paused(two: Any, db: Database) -> None:
    providers = two()
    db.providers.pause("anthropic")
    db.providers.pause("openai")
    run = asked(agent_on(db))
    assert run.error is not None
    assert run.error.code == "provider_paused"
    assert providers.outcomes() == ([], [])


@pytest.mark.parametrize("kind", ["500", "529", "insufficient_quota", "401"])
def test_without_a_database_too(two: Any, kind: str) -> None:
    providers = two(first=[Fault(kind=kind)])
    run = asked(agent_on(None))
    assert run.status is RunStatus.COMPLETED
    assert (run.metrics.model_calls, providers.outcomes()) == (2, ([kind], ["answered"]))


def test_tools_are_called_again_by_the_second(two: Any, db: Database) -> None:
    seen: list[int] = []

    def look_up(number: int) -> str:
        """Look a number up."""
        seen.append(number)
        return "found"

    providers = two(first=[Fault(kind="500", calls=(2,))], tools=[ToolCall(name="look_up", arguments={"number": 7})])
    run = asked(agent_on(db, tools=[look_up]))
    assert run.status is RunStatus.COMPLETED
    assert providers.outcomes() == (["answered", "500"], ["answered", "answered"])
    assert seen == [7, 7]


def test_text_is_streamed_from_who_answers(two: Any, db: Database) -> None:
    two(first=BUSY)
    agent = agent_on(db, output_schema=None)
    *events, last = agent.run("Say something.", stream=True)
    assert "".join(event.text for event in events) == last.content


def test_a_budget_reserves_for_who_is_called(two: Any, db: Database, place: str) -> None:
    two(first=DOWN)
    asked(agent_on(db, budget=Budget(per_run="5.00"))).raise_for_status()
    reserved = dict(rows_at(place, "SELECT model, reserved_pico FROM nightdrop_model_calls"))
    assert reserved["claude-sonnet-4-6"] > reserved["gpt-4o-mini"] > 0


def test_a_budget_needs_the_price_of_each(two: Any, db: Database) -> None:
    two()
    with pytest.raises(PriceUnknown, match="no-such-model"):
        asked(agent_on(db, model=[FIRST, "openai-chat:no-such-model"], budget=Budget(per_run="5.00")))


def test_identity_names_every_model() -> None:
    one, both = agent_on(None, model=FIRST), agent_on(None)
    assert one.revision == agent_on(None, model=[FIRST]).revision
    assert len({one.revision, both.revision, agent_on(None, model=[SECOND, FIRST]).revision}) == 3
    named = Agent(model=[FIRST, SECOND], output_schema=Paid)
    assert named.id == "anthropic-claude-sonnet-4-6-openai-chat-gpt-4o-mini-paid"
    assert FIRST in repr(named)
    assert SECOND in repr(named)
    assert "test" in Agent(model=[TestModel(), SECOND]).id


@pytest.mark.parametrize(
    ("models", "raised"),
    [([], ModelUnknown), ([FIRST, "gpt"], ModelUnknown), ([FIRST, "local"], UsageError), ([FIRST, FIRST], UsageError)],
)
def test_a_list_that_cannot_be_is_refused(models: list[str], raised: type[Exception]) -> None:
    with pytest.raises(raised):
        agent_on(None, model=models)
