"""When a step fails: the run fails with the step's path, unless the step says otherwise. Never an error text fed on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from nightdrop import (
    Agent,
    Condition,
    File,
    Loop,
    Parallel,
    ReviewPolicy,
    RunStatus,
    Step,
    StepInput,
    Steps,
    StepStatus,
    Workflow,
)
from nightdrop.store import Database
from nightdrop.testing import Fault, SimulatedProvider
from tests.conftest import rows_at


class Paid(BaseModel):
    """What the model is asked for."""

    invoice_number: str


@pytest.fixture
def workflow(db: Database) -> Any:
    """Makes workflows with a database."""
    return lambda *steps: Workflow(id=f"w-{uuid.uuid4().hex[:8]}", steps=list(steps), db=db)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedProvider]:
    """A model."""
    with SimulatedProvider(answers=lambda _: {"invoice_number": "R-7"}) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def fail(given: StepInput) -> str:
    """A step that fails."""
    raise ValueError("no such customer")


def fine(given: StepInput) -> str:
    """A step that does not."""
    return "fine"


class Failing:
    """Fails so many times, then counts."""

    def __init__(self, times: int) -> None:
        self.left, self.calls = times, 0

    def __call__(self, given: StepInput) -> int:
        self.calls += 1
        if self.calls <= self.left:
            raise ValueError(f"call {self.calls}")
        return self.calls


def test_a_failing_step_fails_the_run_with_its_path(workflow: Any) -> None:
    """The steps before are kept, those behind do not run, and the letter says where."""
    made = workflow(fine, Steps([Parallel(fail, fine)], name="group"), Step("after", executor=fine))
    run = made.run("x")
    assert (run.status, run.content) == (RunStatus.ERROR, None)
    assert str(run.error) == "step_failed: step group/parallel/fail: ValueError: no such customer"
    assert {s.path: s.status for s in run.steps} == {
        "fine": StepStatus.COMPLETED,
        "group/parallel/fail": StepStatus.ERROR,
        "group/parallel/fine": StepStatus.COMPLETED,
    }
    (letter,) = [letter for letter in made.db.dead_letters.list() if letter.run_id == run.run_id]
    assert letter.code == "step_failed"


def test_a_decision_that_fails_is_a_failing_step(workflow: Any) -> None:
    """Evaluators, selectors and end conditions too."""

    def broken(given: Any) -> bool:
        raise KeyError("total")

    for node, path in ((Condition(broken, [fine]), "condition"), (Loop([fine], end_condition=broken), "loop[1]")):
        run = workflow(node).run("x")
        assert run.error is not None
        assert (run.error.code, run.error.message.startswith(f"step {path}: ")) == ("step_failed", True)


def test_retries_try_a_step_again(workflow: Any) -> None:
    """Each try is a row; what failed before is seen."""
    step = Failing(2)
    run = workflow(Step("flaky", executor=step, retries=2)).run("x")
    assert (run.status, run.content, step.calls) == (RunStatus.COMPLETED, 3, 3)
    assert [(s.number, s.status.value) for s in run.steps] == [(1, "ERROR"), (2, "ERROR"), (3, "COMPLETED")]
    run = workflow(Step("flaky", executor=Failing(9), retries=1)).run("x")
    assert str(run.error) == "step_failed: step flaky: ValueError: call 2"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_step_has_a_timeout(workflow: Any, kind: str) -> None:
    """Of each try; a sync function's thread is left to end by itself."""
    release = asyncio.Event()

    async def long_async(given: StepInput) -> None:
        await asyncio.sleep(30)

    def long_sync(given: StepInput) -> None:
        import time

        time.sleep(2)

    run = workflow(Step("long", executor=long_sync if kind == "sync" else long_async, timeout=0.1)).run("x")
    assert str(run.error) == "step_timeout: step long: it took longer than its timeout of 0.1 s"
    release.set()


def test_a_step_that_may_fail_is_skipped_visibly(workflow: Any) -> None:
    """on_error="skip": content None, the error in the record, and the workflow goes on."""

    def look(given: StepInput) -> list[Any]:
        output = given.get_step_output("fail")
        assert output is not None
        return [given.previous_step_content, output.skipped, output.error.code if output.error else None]

    run = workflow(fine, Step("fail", executor=fail, on_error="skip", retries=1), look).run("x")
    assert (run.status, run.content) == (RunStatus.COMPLETED, [None, True, "step_failed"])
    assert [s.status.value for s in run.steps] == ["COMPLETED", "ERROR", "ERROR", "SKIPPED", "COMPLETED"]


def test_a_person_decides_about_a_failed_step(workflow: Any) -> None:
    """on_error="pause": retry, skip or fail; each failure is a question of its own."""
    step = Failing(2)
    made = workflow(Step("hard", executor=step, on_error="pause"), lambda_free)
    run = made.run("x")
    assert run.pause is not None
    assert (run.status, run.pause.step, run.pause.data) == (
        RunStatus.PAUSED,
        "hard",
        {"code": "step_failed", "tries": 1, "attempt": 1},
    )
    assert "ValueError: call 1" in run.pause.question
    again = made.continue_run(run.run_id, "retry")
    assert again.pause is not None
    assert again.pause.data["tries"] == 2
    done = made.continue_run(run.run_id, "retry")
    assert (done.status, done.content, step.calls) == (RunStatus.COMPLETED, 3, 3)

    skipped = workflow(Step("hard", executor=fail, on_error="pause"), lambda_free)
    run = skipped.run("x")
    assert skipped.continue_run(run.run_id, "skip").content is None
    run = skipped.run("x")
    failed = skipped.continue_run(run.run_id, "fail")
    assert (failed.status, failed.error.code) == (RunStatus.ERROR, "step_failed")


def lambda_free(given: StepInput) -> int | None:
    """Passes the content on."""
    found: int | None = given.previous_step_content
    return found


def test_a_replay_runs_only_what_has_not_ended(workflow: Any, place: str) -> None:
    """What was recorded is kept in the next attempt; what failed is tried again."""
    first, second = Failing(0), Failing(1)
    made = workflow(Step("first", executor=first), Step("second", executor=second))
    run = made.run("x")
    assert run.status is RunStatus.ERROR
    (letter,) = [letter for letter in made.db.dead_letters.list() if letter.run_id == run.run_id]
    made.db.dead_letters.replay([letter.id])
    done = asyncio.run(made.await_run(run.run_id, timeout=60))
    assert (done.status, done.content, done.attempts) == (RunStatus.COMPLETED, 2, 2)
    assert (first.calls, second.calls) == (1, 2)
    assert [(s.path, s.attempt) for s in done.steps] == [("first", 1), ("second", 2)]
    kept = rows_at(place, "SELECT attempt, status FROM nightdrop_steps WHERE run_id = ? ORDER BY 1, 2", (run.run_id,))
    assert kept == [(1, "COMPLETED"), (1, "ERROR"), (2, "COMPLETED")]


def test_what_cannot_be_recorded_is_an_error(workflow: Any) -> None:
    """No JSON data and no return type, or not what the return type says."""

    def lock(given: StepInput):  # type: ignore[no-untyped-def]
        return Paid(invoice_number="1")

    def wrong(given: StepInput) -> int:
        return "many"  # type: ignore[return-value]

    run = workflow(lock).run("x")
    assert run.error is not None
    assert (run.error.code, "returned a Paid" in run.error.message) == ("step_output_invalid", True)
    run = workflow(wrong).run("x")
    assert run.error is not None
    assert run.error.code == "step_output_invalid"


def test_each_step_has_its_own_calls_in_the_ledger(workflow: Any, provider: SimulatedProvider, place: str) -> None:
    """By its path; and what a step cost is in its record."""
    paid = Agent(id="paid", model="openai-chat:gpt-4o-mini", output_schema=Paid)
    run = workflow(paid, Parallel(Step("a", agent=paid), Step("b", agent=paid))).run("Read.")
    assert run.status is RunStatus.COMPLETED, run.error
    assert run.content == {"a": Paid(invoice_number="R-7"), "b": Paid(invoice_number="R-7")}
    rows = rows_at(place, "SELECT step FROM nightdrop_model_calls WHERE run_id = ? ORDER BY 1", (run.run_id,))
    assert rows == [("paid",), ("parallel/a",), ("parallel/b",)]
    assert [s.metrics.model_calls for s in run.steps] == [1, 1, 1]
    assert sum(s.metrics.cost for s in run.steps if s.metrics.cost) == run.metrics.cost
    assert run.metrics.model_calls == 3


def test_an_agent_that_fails_says_its_own_code(workflow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's failure is the run's, with the step's path; trying a hopeless one again costs nothing."""
    with SimulatedProvider(faults=[Fault(kind="truncated")]) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        paid = Agent(id="paid", model="openai-chat:gpt-4o-mini", output_schema=Paid)
        run = workflow(Step("ask", agent=paid, retries=3)).run("Read.")
        assert run.error is not None
        assert (run.error.code, run.error.message.startswith("step ask: ")) == ("answer_truncated", True)
        assert len(started.meter.calls) == 1


def test_an_agents_review_pauses_its_step(workflow: Any, provider: SimulatedProvider) -> None:
    """The doubtful value is asked about; a correction that does not fit is asked for again; no model is asked twice."""
    paid = Agent(id="reviewed", model="openai-chat:gpt-4o-mini", output_schema=Paid, review=ReviewPolicy(), db=None)

    def number(given: StepInput) -> str:
        return str(given.previous_step_content.invoice_number)

    made = workflow(paid, number)
    files = [File(content=b"Invoice R-8", filename="a.txt")]
    run = made.run("Read.", files=files)
    assert run.pause is not None, run.error
    assert (run.pause.step, run.pause.data["values"]) == ("reviewed", {"invoice_number": "R-7"})
    again = made.continue_run(run.run_id, {"nothing": 1})
    assert again.pause is not None, again.error
    assert again.pause.question.startswith("The correction does not fit")
    done = made.continue_run(run.run_id, {"invoice_number": "R-8"})
    assert (done.status, done.content) == (RunStatus.COMPLETED, "R-8")
    (step, _) = done.steps
    assert (step.fields["invoice_number"].reviewed, step.fields["invoice_number"].confidence) == ("corrected", 1.0)
    right = made.run("Read.", files=files)
    assert made.continue_run(right.run_id, {}).content == "R-7"
    assert len(provider.meter.calls) == 2
