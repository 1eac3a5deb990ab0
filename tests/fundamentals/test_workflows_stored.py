"""Workflows with a database: found again, paused, cancelled, in batches, once for each session."""

from __future__ import annotations

import asyncio
import threading
import uuid
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from nightdrop import (
    Loop,
    Parallel,
    RunStatus,
    Step,
    StepInput,
    StepOutput,
    Workflow,
    pause,
)
from nightdrop.retention import forget
from nightdrop.store import Database
from tests.conftest import rows_at
from tests.fundamentals.conftest import document, until


class Claim(BaseModel):
    """What a step may hand on."""

    amount: Decimal


@pytest.fixture
def stored(db: Database) -> Any:
    """Makes workflows with a database."""
    return lambda *steps: Workflow(id=f"w-{uuid.uuid4().hex[:8]}", steps=list(steps), db=db)


def one(given: StepInput) -> int:
    """A step that gives a number."""
    return 1


def add(given: StepInput) -> int:
    """A step that counts on."""
    return int(given.previous_step_content) + 1


def shout(given: StepInput) -> str:
    """A step that uses the message."""
    return given.input.upper()


def test_the_run_is_found_again_with_its_types(stored: Any) -> None:
    """From the database the content is an instance of what the last step's signature says, steps included."""

    async def claim(given: StepInput) -> StepOutput[Claim]:
        return StepOutput(Claim(amount=Decimal("3.50")))

    workflow = stored(claim)
    run = workflow.run("x")
    assert run.content == Claim(amount=Decimal("3.50"))
    assert workflow.get_run_output(run.run_id) == run


def test_workflows_run_in_batches(stored: Any) -> None:
    """As agents do: a run for each distinct document."""

    def size(given: StepInput) -> int:
        return given.files[0].size

    batch = stored(size).batch([document(n) for n in range(5)], "Measure.")
    runs = list(batch.results())
    assert sorted(run.content for run in runs) == sorted(run.steps[0].content for run in runs)
    assert batch.progress().done == 5


def test_a_step_may_ask_a_person(stored: Any) -> None:
    """The run pauses, steps beside it are kept, and two steps that ask the same get an answer each."""
    asked = []

    def ask(given: StepInput) -> str:
        answer = pause("Fine?")
        asked.append(answer)
        return str(answer)

    count: list[int] = []

    def beside(given: StepInput) -> int:
        count.append(1)
        return 7

    workflow = stored(Parallel(ask, Step("also", executor=ask), beside))
    run = workflow.run("x")
    assert run.pause is not None
    assert (run.status, run.pause.question, run.pause.step) == (RunStatus.PAUSED, "Fine?", "parallel/ask")
    again = workflow.continue_run(run.run_id, "yes")
    assert again.pause is not None
    assert (again.status, again.pause.step) == (RunStatus.PAUSED, "parallel/also")
    done = workflow.continue_run(run.run_id, "no")
    assert done.content == {"ask": "yes", "also": "no", "beside": 7}
    assert count == [1]
    assert sorted(asked) == ["no", "yes"]


def test_cancelling_keeps_what_is_done(stored: Any) -> None:
    """CANCELLED, with the steps that had ended."""
    began = threading.Event()

    async def long(given: StepInput) -> None:
        began.set()
        await asyncio.sleep(60)

    workflow = stored(one, long)
    run = workflow.run("x", background=True)
    assert began.wait(20)
    assert workflow.cancel_run(run.run_id)
    ended = until(lambda: (r := workflow.get_run_output(run.run_id)).status.is_open is False and r)
    assert (ended.status, ended.content) == (RunStatus.CANCELLED, None)
    assert [(s.path, s.content) for s in ended.steps] == [("one", 1)]


def test_a_session_is_an_upsert_until_the_workflow_changes(stored: Any, db: Database) -> None:
    """The same session returns the same run; another shape or version is another revision, other retries are not."""
    workflow = stored(one)
    run = workflow.run("x", session_id="s")
    assert workflow.run("x", session_id="s").run_id == run.run_id
    same = Workflow(id=workflow.id, steps=[Step("one", executor=shout, retries=4)], db=db)
    assert same.revision == workflow.revision
    assert same.run("x", session_id="s").run_id == run.run_id
    for other in (
        Workflow(id=workflow.id, steps=[one, add], db=db),
        Workflow(id=workflow.id, steps=[one], version="2", db=db),
    ):
        assert other.revision != workflow.revision
    assert other.run("x", session_id="s").run_id != run.run_id


def test_rounds_are_steps_of_their_own(stored: Any) -> None:
    """Each is recorded under its number."""
    run = stored(one, Loop([add], max_iterations=2)).run("x")
    assert [s.path for s in run.steps] == ["one", "loop[1]/add", "loop[2]/add", "loop"]


def test_forgetting_a_document_takes_the_steps_along(stored: Any, db: Database, place: str) -> None:
    """What a step made of a document is as private as the document."""
    workflow = stored(one)
    run = workflow.run("x", files=[document(8)])
    (ref,) = run.input.files
    assert ref.sha256 is not None
    forget(db, ref.sha256)
    assert rows_at(place, "SELECT count(*) FROM nightdrop_steps WHERE run_id = ?", (run.run_id,)) == [(0,)]
