"""Trying again: what is recorded is kept, from a step on everything is done again; open runs move to a new revision."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from nightdrop import Parallel, RunStatus, Step, StepInput, UsageError, Workflow, pause
from nightdrop.store import Database
from nightdrop.store.steps import move_runs
from tests.conftest import rows_at


class Counting:
    """Counts its calls; fails the first `failing` of them."""

    def __init__(self, failing: int = 0) -> None:
        self.calls, self.failing = 0, failing

    def __call__(self, given: StepInput) -> int:
        self.calls += 1
        if self.calls <= self.failing:
            raise ValueError(f"call {self.calls}")
        return self.calls


@pytest.fixture
def workflow(db: Database) -> Any:
    """Makes workflows with a database."""
    return lambda *steps: Workflow(id=f"w-{uuid.uuid4().hex[:8]}", steps=list(steps), db=db)


def named(**steps: Any) -> list[Step]:
    return [Step(name, executor=executor) for name, executor in steps.items()]


def test_a_failed_run_goes_on_where_it_failed(workflow: Any) -> None:
    """The same run, the next attempt."""
    first, second = Counting(), Counting(failing=1)
    made = workflow(*named(first=first, second=second))
    run = made.run("x")
    done = made.retry_run(run.run_id)
    assert (done.run_id, done.status, done.attempts, done.content) == (run.run_id, RunStatus.COMPLETED, 2, 2)
    assert (first.calls, second.calls) == (1, 2)
    with pytest.raises(UsageError, match=r"^run_not_retryable"):
        made.retry_run(run.run_id)


def test_from_a_step_on_everything_is_done_again(workflow: Any, place: str) -> None:
    """Of a failed run: earlier results are kept, later ones set aside, and stay in the table as history."""
    first, second, third = Counting(), Counting(), Counting(failing=1)
    made = workflow(*named(first=first, second=second, third=third))
    run = made.run("x")
    done = made.retry_run(run.run_id, from_step="second")
    assert (done.run_id, done.content) == (run.run_id, 2)
    assert (first.calls, second.calls, third.calls) == (1, 2, 2)
    assert [(s.path, s.attempt) for s in done.steps] == [("first", 1), ("second", 2), ("third", 2)]
    rows = rows_at(place, "SELECT count(*) FROM nightdrop_steps WHERE run_id = ?", (run.run_id,))
    assert rows == [(5,)]


def test_a_completed_run_is_replaced_by_one_that_goes_on_from_a_step(workflow: Any) -> None:
    """The older run stays as it was; the session's current run is the new one."""
    first, left, last = Counting(), Counting(), Counting()
    made = workflow(*named(first=first), Parallel(*named(left=left), name="both"), *named(last=last))
    run = made.run("x", session_id="s")
    again = made.retry_run(run.run_id, from_step="both")
    assert again.run_id != run.run_id
    assert (first.calls, left.calls, last.calls) == (1, 2, 2)
    assert made.get_run_output(run.run_id) == run
    assert made.run("x", session_id="s").run_id == again.run_id
    assert [s.path for s in again.steps] == ["first", "both/left", "last"]


def test_only_a_recorded_step_can_be_named(workflow: Any) -> None:
    """The error says which there are."""
    made = workflow(*named(first=Counting()))
    run = made.run("x")
    with pytest.raises(UsageError, match=r"^step_not_found: .*'elsewhere'; it has: first"):
        made.retry_run(run.run_id, from_step="elsewhere")
    with pytest.raises(UsageError, match=r"^run_not_found"):
        made.retry_run("nothing")


def test_a_replay_asks_a_person_again(workflow: Any) -> None:
    """What was decided about a failure holds for that attempt."""
    step = Counting(failing=2)
    made = workflow(Step("hard", executor=step, on_error="pause"))
    run = made.run("x")
    failed = made.continue_run(run.run_id, "fail")
    assert failed.status is RunStatus.ERROR
    again = made.retry_run(run.run_id)
    assert again.status is RunStatus.PAUSED
    assert made.continue_run(run.run_id, "retry").content == 3


def test_open_runs_move_to_a_changed_workflow_by_command(workflow: Any, db: Database) -> None:
    """Until then they wait for a process that has the old one; what is recorded is kept, by path."""
    first = Counting()

    def ask(given: StepInput) -> str:
        return str(pause("Fine?"))

    old = workflow(*named(first=first), ask)
    run = old.run("x")
    assert run.status is RunStatus.PAUSED
    new = Workflow(id=old.id, steps=[*named(first=first), ask, *named(more=Counting())], db=db)
    assert db.transact(lambda c: move_runs(c, new.spec.subject, "another")) == 0
    assert db.transact(lambda c: move_runs(c, new.spec.subject, None)) == 1
    done = new.continue_run(run.run_id, "yes")
    assert [s.path for s in done.steps] == ["first", "ask", "more"]
    assert first.calls == 1
