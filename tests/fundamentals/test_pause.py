"""Pausing: a tool asks a person; the run holds nothing while it waits, and goes on from any process."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from nightdrop import Agent, File, NightdropError, RunStatus, UsageError, pause
from nightdrop.pausing import PauseRequested
from nightdrop.store import Database
from nightdrop.testing import SimulatedProvider, ToolCall
from tests.conftest import rows_at

MODEL = "openai-chat:gpt-4o-mini"
FILES = [File(content=b"Invoice R-7", filename="a.txt")]


class Paid(BaseModel):
    """An invoice of one field."""

    invoice_number: str


def approve(amount: int) -> str:
    """Ask a person whether an amount may be paid."""
    return str(pause(f"Approve {amount} EUR?", amount=amount))


async def approve_async(amount: int) -> str:
    """Ask a person whether an amount may be paid."""
    return str(pause(f"Approve {amount} EUR?", amount=amount))


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedProvider]:
    """A model that wants one approval before it answers."""
    tools = [ToolCall(name=name, arguments={"amount": 500}) for name in ("approve", "approve_async")]
    with SimulatedProvider(answers=lambda request: {"invoice_number": "R-7"}, tools=tools) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def asking(db: Database, name: str, *tools: Any) -> Agent:
    return Agent(id=name, model=MODEL, output_schema=Paid, tools=list(tools or [approve]), db=db)


@pytest.mark.parametrize("tool", [approve, approve_async])
def test_a_tool_that_asks_ends_the_run_paused_and_the_answer_continues_it(
    db: Database, provider: SimulatedProvider, tool: Any
) -> None:
    """The run ends PAUSED with its question; the answer is what `pause` returns, and no recorded call is paid again."""
    agent = asking(db, f"ask-{tool.__name__}", tool)
    run = agent.run("Read.", files=FILES)
    assert run.status is RunStatus.PAUSED
    assert run.pause is not None
    assert (run.pause.question, run.pause.data) == ("Approve 500 EUR?", {"amount": 500})
    assert run.completed_at is not None
    assert len(provider.meter.calls) == 1

    done = agent.continue_run(run.run_id, "yes, by A. Person")
    assert (done.status, done.content, done.pause) == (RunStatus.COMPLETED, Paid(invoice_number="R-7"), None)
    assert (done.attempts, done.metrics.model_calls) == (1, 2)
    assert provider.meter.totals().outcomes == {"answered": 2}


def test_a_paused_run_holds_nothing(db: Database, place: str, provider: SimulatedProvider) -> None:
    """No task of the engine, no workflow of it and no open row is left of it."""
    agent = asking(db, "holds-nothing")
    run = agent.run("Read.", files=FILES)
    before = threading.active_count()
    assert not [t for t in threading.enumerate() if run.run_id in t.name]
    assert rows_at(place, "SELECT status FROM nightdrop_runs WHERE run_id = ?", (run.run_id,)) == [("PAUSED",)]
    table = "dbos.workflow_status" if "://" in place else "workflow_status"
    sql = f"SELECT count(*) FROM {table} WHERE workflow_uuid LIKE ? AND status IN ('PENDING', 'ENQUEUED')"
    for _ in range(200):  # DBOS writes the end of the workflow a moment after ours
        if rows_at(place, sql, (f"{run.run_id}%",)) == [(0,)]:
            break
        threading.Event().wait(0.05)
    else:
        pytest.fail("the workflow is still open")
    assert threading.active_count() <= before


def test_the_session_returns_a_paused_run_and_does_not_run_it_again(db: Database, provider: SimulatedProvider) -> None:
    """PAUSED is returned by the session rules; rerun=True starts anew."""
    agent = asking(db, "session")
    run = agent.run("Read.", files=FILES, session_id="s")
    assert agent.run("Read.", files=FILES, session_id="s") == run
    assert len(provider.meter.calls) == 1
    other = agent.run("Read.", files=FILES, session_id="s", rerun=True)
    assert other.run_id != run.run_id


def test_only_a_paused_run_can_be_continued_and_only_once(db: Database, provider: SimulatedProvider) -> None:
    """run_not_paused (409) for what is not PAUSED, and for the later of two answers; both at once: one wins."""
    agent = asking(db, "once")
    run = agent.run("Read.", files=FILES)

    async def both() -> list[Any]:
        answers = [agent.acontinue_run(run.run_id, n, background=True) for n in range(5)]
        return await asyncio.gather(*answers, return_exceptions=True)

    ended = asyncio.run(both())
    refused = [e for e in ended if isinstance(e, UsageError)]
    assert len(refused) == 4
    assert {(e.code, e.http_status) for e in refused} == {("run_not_paused", 409)}
    assert asyncio.run(agent.await_run(run.run_id, timeout=30)).status is RunStatus.COMPLETED
    with pytest.raises(UsageError, match=r"^run_not_paused: .*COMPLETED"):
        agent.continue_run(run.run_id, "again")
    with pytest.raises(NightdropError, match=r"^run_not_found"):
        agent.continue_run("nothing", "yes")


def test_an_answer_is_json_data(db: Database, provider: SimulatedProvider) -> None:
    """Anything else is refused, and the run stays PAUSED."""
    agent = asking(db, "json")
    run = agent.run("Read.", files=FILES)
    with pytest.raises(UsageError, match=r"^bad_argument: the answer is kept as JSON"):
        agent.continue_run(run.run_id, object())
    assert agent.get_run_output(run.run_id) == run
    assert agent.continue_run(run.run_id, {"ok": True, "note": "a\0b"}).status is RunStatus.COMPLETED


def test_a_paused_run_can_be_cancelled(db: Database, provider: SimulatedProvider) -> None:
    """It ends CANCELLED, and cannot be continued any more."""
    agent = asking(db, "cancel")
    run = agent.run("Read.", files=FILES)
    assert agent.cancel_run(run.run_id)
    assert agent.get_run_output(run.run_id).status is RunStatus.CANCELLED
    with pytest.raises(UsageError, match=r"^run_not_paused: .*CANCELLED"):
        agent.continue_run(run.run_id, "yes")


def test_two_questions_are_two_pauses_and_each_gets_its_own_answer(db: Database, provider: SimulatedProvider) -> None:
    """Answers belong to question and data, whatever the order in which they are asked again."""
    heard: list[Any] = []

    def approve(amount: int) -> str:
        """Ask two persons."""
        first, second = pause("First?", amount=amount), pause("Second?", amount=amount)
        heard.append((first, second))
        return "done"

    agent = asking(db, "two", approve)
    run = agent.run("Read.", files=FILES)
    again = agent.continue_run(run.run_id, 1)
    assert again.pause is not None
    assert (again.status, again.pause.question) == (RunStatus.PAUSED, "Second?")
    assert agent.continue_run(run.run_id, 2).status is RunStatus.COMPLETED
    assert heard == [(1, 2)]
    assert provider.meter.totals().outcomes == {"answered": 2}


def test_other_data_is_another_question(db: Database, provider: SimulatedProvider) -> None:
    """An approval of 500 is none of 9000."""

    def approve(amount: int) -> str:
        """Ask twice with one question."""
        return f"{pause('Approve?', amount=amount)} {pause('Approve?', amount=9000)}"

    agent = asking(db, "data", approve)
    run = agent.run("Read.", files=FILES)
    again = agent.continue_run(run.run_id, "yes")
    assert again.pause is not None
    assert (again.status, again.pause.data) == (RunStatus.PAUSED, {"amount": 9000})


def test_a_tool_that_catches_everything_does_not_catch_the_pause(db: Database, provider: SimulatedProvider) -> None:
    """`except Exception` in a tool is for its own errors."""

    def approve(amount: int) -> str:
        """Ask, and catch what goes wrong."""
        try:
            return str(pause("Approve?", amount=amount))
        except Exception:
            return "something went wrong"

    assert not issubclass(PauseRequested, Exception)
    assert asking(db, "catches", approve).run("Read.", files=FILES).status is RunStatus.PAUSED


def test_paused_documents_count_as_done_until_they_are_continued(db: Database, provider: SimulatedProvider) -> None:
    """PAUSED is an end of a batch's document; an answer opens it, and the batch, again."""
    go = threading.Event()

    def approve(amount: int) -> str:
        """Ask, then take the time that the test wants."""
        answer = pause("Approve?", amount=amount)
        assert go.wait(30)
        return str(answer)

    agent = asking(db, "batch", approve)
    batch = agent.batch([File(content=f"Invoice {n}".encode(), filename=f"{n}.txt") for n in range(3)], "Read.")
    ended = batch.wait(timeout=60)
    assert (ended.total, ended.done, ended.failed, ended.status.value) == (3, 3, 0, "COMPLETED")
    runs = list(batch.results())
    assert {run.status for run in runs} == {RunStatus.PAUSED}

    agent.continue_run(runs[0].run_id, "yes", background=True)
    open_again = batch.progress()
    assert (open_again.done, open_again.status.value, open_again.completed_at) == (2, "RUNNING", None)
    go.set()
    again = batch.wait(timeout=60)
    assert (again.done, again.status.value) == (3, "COMPLETED")
    assert agent.get_run_output(runs[0].run_id).status is RunStatus.COMPLETED


def test_pause_needs_a_stored_run(provider: SimulatedProvider) -> None:
    """Without a database the run ends with database_required; outside a run it raises that."""
    run = Agent(id="plain", model=MODEL, output_schema=Paid, tools=[approve]).run("Read.", files=FILES)
    assert run.error is not None
    assert run.error.code == "database_required"
    with pytest.raises(UsageError, match=r"^database_required"):
        pause("Anyone?")


@pytest.mark.parametrize(("question", "data"), [("", {}), (7, {}), ("Why?", {"x": object()})])
def test_a_pause_that_cannot_be_kept_is_a_wrong_call(
    db: Database, provider: SimulatedProvider, question: Any, data: Any
) -> None:
    """The question is text, the data JSON."""

    def approve(amount: int) -> str:
        """Ask wrongly."""
        return str(pause(question, **data))

    run = asking(db, "wrong", approve).run("Read.", files=FILES, rerun=True)
    assert run.error is not None
    assert run.error.code == "bad_argument"


def test_the_answers_are_kept_with_the_run(db: Database, place: str, provider: SimulatedProvider) -> None:
    """What was asked, what was answered, and when."""
    agent = asking(db, "kept")
    run = agent.run("Read.", files=FILES)
    agent.continue_run(run.run_id, "yes")
    ((text,),) = rows_at(place, "SELECT decisions FROM nightdrop_runs WHERE run_id = ?", (run.run_id,))
    (kept,) = json.loads(text)
    assert (kept["question"], kept["data"], kept["answer"]) == ("Approve 500 EUR?", {"amount": 500}, "yes")
    assert kept["decided_at"] > 0
