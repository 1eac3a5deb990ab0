"""Retries, timeout and on_error of a step that is a workflow: for all of its steps together."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from nightdrop import RunOutput, RunStatus, Step, StepInput, Workflow
from nightdrop.store import Database

Counted = Callable[[StepInput], int]


@pytest.fixture
def workflow(db: Database) -> Any:
    """Makes workflows with a database."""
    return lambda *steps: Workflow(id=f"w-{uuid.uuid4().hex[:8]}", steps=list(steps), db=db)


def counting(failing: int = 0) -> tuple[Counted, list[int]]:
    """A step that fails so many times, and the calls of it."""
    calls: list[int] = []

    def step(given: StepInput) -> int:
        calls.append(len(calls) + 1)
        given.state["touched"] = True
        if len(calls) <= failing:
            raise ValueError(f"call {len(calls)}")
        return len(calls)

    return step, calls


def inner(**steps: Counted) -> Workflow:
    """A workflow to be a step."""
    return Workflow(id="inner", steps=[Step(name, executor=executor) for name, executor in steps.items()])


def rows(run: RunOutput) -> list[tuple[str, int, str]]:
    return [(step.path, step.number, step.status.value) for step in run.steps]


def test_another_try_keeps_what_has_ended_well(workflow: Any) -> None:
    """Only the step that failed runs again; each walk has a row."""
    (first, ran_first), (second, ran_second) = counting(), counting(failing=2)
    run = workflow(Step("nested", workflow=inner(first=first, second=second), retries=2)).run("x")
    assert (run.status, run.content) == (RunStatus.COMPLETED, 3), run.error
    assert (len(ran_first), len(ran_second)) == (1, 3)
    assert rows(run) == [
        ("nested/first", 1, "COMPLETED"),
        ("nested/second", 1, "ERROR"),
        ("nested", 1, "ERROR"),
        ("nested/second", 2, "ERROR"),
        ("nested", 2, "ERROR"),
        ("nested/second", 3, "COMPLETED"),
        ("nested", 3, "COMPLETED"),
    ]


def test_tries_of_a_workflow_within_a_workflow_multiply(workflow: Any) -> None:
    """Each try of the outer one gives the inner one all of its tries."""
    step, calls = counting(failing=5)
    deep = Workflow(id="deep", steps=[Step("inner", workflow=inner(step=step), retries=1)])
    run = workflow(Step("outer", workflow=deep, retries=2)).run("x")
    assert (run.status, run.content, len(calls)) == (RunStatus.COMPLETED, 6, 6), run.error


def test_the_error_is_the_steps_own(workflow: Any) -> None:
    """With its path, once."""
    step, _ = counting(failing=9)
    run = workflow(Step("nested", workflow=inner(step=step), retries=1)).run("x")
    assert str(run.error) == "step_failed: step nested/step: ValueError: call 2"


def test_it_may_be_skipped_as_a_whole(workflow: Any) -> None:
    """Its content is None, and what its steps did to the state is gone."""
    (first, _), (second, _) = counting(), counting(failing=9)

    def look(given: StepInput) -> list[Any]:
        output = given.get_step_output("nested")
        assert output is not None
        assert output.error is not None
        return [given.previous_step_content, output.skipped, output.error.message, given.state]

    nested = Step("nested", workflow=inner(first=first, second=second), on_error="skip")
    run = workflow(nested, look).run("x")
    assert run.content == [None, True, "step nested/second: ValueError: call 1", {}]
    last = workflow(nested)
    run = last.run("x")
    assert (run.status, run.content) == (RunStatus.COMPLETED, None)
    assert last.get_run_output(run.run_id).content is None


def test_a_person_decides_about_it(workflow: Any) -> None:
    """Retry goes on at the step that failed."""
    (first, ran_first), (second, ran_second) = counting(), counting(failing=1)
    made = workflow(Step("nested", workflow=inner(first=first, second=second), on_error="pause"))
    run = made.run("x")
    assert run.pause is not None
    assert (run.pause.step, run.pause.question) == (
        "nested",
        "Step nested failed: step nested/second: ValueError: call 1. Answer retry, skip or fail.",
    )
    done = made.continue_run(run.run_id, "retry")
    assert (done.status, done.content) == (RunStatus.COMPLETED, 2), done.error
    assert (len(ran_first), len(ran_second)) == (1, 2)


def test_its_timeout_is_for_all_of_its_steps(workflow: Any) -> None:
    """What had ended by then is kept for the next try."""
    first, ran_first = counting()
    waits = [30.0, 0.0]

    async def slow(given: StepInput) -> str:
        await asyncio.sleep(waits.pop(0))
        return "in time"

    nested = Workflow(id="inner", steps=[Step("first", executor=first), Step("slow", executor=slow)])
    run = workflow(Step("nested", workflow=nested, timeout=5, retries=1)).run("x")
    assert (run.status, run.content, len(ran_first)) == (RunStatus.COMPLETED, "in time", 1), run.error
    assert [(step.path, step.error.code) for step in run.steps if step.error is not None] == [
        ("nested", "step_timeout")
    ]


def test_a_replay_does_not_repeat_it(workflow: Any) -> None:
    """What it came to is taken from the rows when a later step failed."""
    (step, calls), (after, _) = counting(failing=1), counting(failing=1)
    made = workflow(Step("nested", workflow=inner(step=step), retries=1), Step("after", executor=after))
    run = made.run("x")
    assert run.status is RunStatus.ERROR
    done = made.retry_run(run.run_id)
    assert (done.status, done.content, len(calls)) == (RunStatus.COMPLETED, 2, 2), done.error


def test_in_memory_it_is_the_same() -> None:
    """Without a database."""
    step, calls = counting(failing=1)
    run = Workflow(id="w", steps=[Step("nested", workflow=inner(step=step), retries=1)]).run("x")
    assert (run.content, len(calls)) == (2, 2), run.error
