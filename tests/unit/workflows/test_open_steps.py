"""Which steps are open is told from the shape and the records: it is what the interpreter does next."""

from __future__ import annotations

from typing import Any

from tests.flaky import Flaky

from nightdrop import (
    Condition,
    Loop,
    Parallel,
    Router,
    RunEvent,
    RunOutput,
    Step,
    StepInput,
    StepOutput,
    Steps,
    StepStatus,
    Workflow,
)
from nightdrop.records.open_step import OpenStep, open_steps
from nightdrop.records.step import StepResult


def text(given: StepInput) -> str:
    """A step."""
    return "text"


def ends(given: StepInput) -> StepOutput[str]:
    """A step that ends the workflow."""
    return StepOutput("ended", stop=True)


def two_rounds() -> Any:
    """An end condition that is met at the second round."""
    rounds: list[int] = []

    def over(outputs: list[StepOutput[Any]]) -> bool:
        rounds.append(1)
        return len(rounds) == 2

    return over


def everything() -> Workflow:
    """All kinds of nodes."""
    inner = Workflow(id="inner", steps=[Step("deep", executor=Flaky())])
    return Workflow(
        id="w",
        steps=[
            Step("first", executor=text),
            Parallel(Step("a", executor=text), Steps([Step("c", executor=text)], name="b"), name="both"),
            Loop([Step("draft", executor=text)], max_iterations=4, end_condition=two_rounds(), name="loop"),
            Loop([Step("again", executor=text)], max_iterations=2, name="endless"),
            Condition(True, [Step("yes", executor=text)], [Step("no", executor=text)], name="if"),
            Router(lambda given: ["y", "x"], [Step("x", executor=text), Step("y", executor=text)], name="router"),
            Step("inner", workflow=inner, retries=1),
            Step("skipped", executor=Flaky(), on_error="skip"),
            Step("stop", executor=ends),
            Step("never", executor=text),
        ],
    )


def told(steps: list[OpenStep], status: str) -> set[str]:
    return {step.path for step in steps if step.status == status}


def test_what_begins_next_was_said_to_run() -> None:
    """At each record: every step that begins before the next one is among those that run, and nothing recorded is."""
    workflow = everything()
    shape = workflow.spec.plan
    known: list[StepResult] = []
    last: RunOutput | None = None
    for event in workflow.run("x", stream=True):
        if isinstance(event, RunOutput):
            last = event
            continue
        assert isinstance(event, RunEvent)
        now = open_steps(shape, known, is_running=True)
        ended = {result.path for result in known if result.status is not StepStatus.ERROR}
        assert not {step.path for step in now} & ended
        if event.kind == "step_started" and event.step != "inner":
            assert event.step in told(now, "RUNNING"), (event, now)
        if event.result is not None:
            known.append(event.result)
    assert last is not None
    assert last.content == "ended", last.error
    assert open_steps(shape, known, is_running=True) == []


def test_before_anything_has_run() -> None:
    """The first runs; what stands behind a decision is not told before it is made."""
    found = open_steps(everything().spec.plan, [], is_running=True)
    assert told(found, "RUNNING") == {"first"}
    assert told(found, "PENDING") == {
        "both/a",
        "both/b/c",
        "loop[1]/draft",
        "endless[1]/again",
        "if",
        "router",
        "inner/deep",
        "skipped",
        "stop",
        "never",
    }
    waiting = open_steps(everything().spec.plan, [], is_running=False, asks="both/a")
    assert told(waiting, "PAUSED") == {"both/a"}
    assert not told(waiting, "RUNNING")
