"""How far an open run is: steps that run, that ask, and that come later, told in every process."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from nightdrop import RunOutput, RunStatus, Step, StepInput, Workflow, pause
from nightdrop.cli.step_tree import step_table
from nightdrop.clock import now_ms
from nightdrop.store import Database
from tests.fundamentals.conftest import until


def text(given: StepInput) -> str:
    """A step."""
    return "text"


def told(run: RunOutput) -> list[tuple[str, str]]:
    return [(step.path, step.status) for step in run.open_steps]


def test_what_runs_and_what_comes_later(db: Database) -> None:
    """While a step is at work; nothing is open at the end."""
    release = threading.Event()

    def wait(given: StepInput) -> str:
        assert release.wait(120)
        return "waited"

    made = Workflow(id=f"w-{uuid.uuid4().hex[:8]}", steps=[text, wait, Step("after", executor=text)], db=db)
    run_id = made.run("x", background=True).run_id

    def now() -> Any:
        found = made.get_run_output(run_id)
        assert found is not None
        return found

    until(lambda: len(now().steps) == 1)
    assert told(now()) == [("wait", "RUNNING"), ("after", "PENDING")]
    (running, later) = now().to_json()["open_steps"]
    assert (running["since"] is not None, later["since"]) == (True, None)
    release.set()
    until(lambda: now().status is RunStatus.COMPLETED)
    assert now().open_steps == ()


def test_what_asks(db: Database) -> None:
    """A paused run says which step asks, and `runs show` has the whole tree."""

    def ask(given: StepInput) -> str:
        return str(pause("Fine?"))

    made = Workflow(id=f"w-{uuid.uuid4().hex[:8]}", steps=[text, ask, Step("after", executor=text)], db=db)
    run = made.run("x")
    assert told(run) == [("ask", "PAUSED"), ("after", "PENDING")]
    _, rows = step_table(run.steps, run.open_steps, now_ms())
    assert [row[:3] for row in rows] == [
        ["text", "function", "COMPLETED"],
        ["ask", "function", "PAUSED"],
        ["after", "function", "PENDING"],
    ]
    assert made.continue_run(run.run_id, "yes").open_steps == ()
