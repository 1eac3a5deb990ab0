"""kill -9 in the middle of a workflow with every kind of node: the right result, and only what was in flight at the
kill ran twice."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop.testing import SimulatedProvider
from tests.conftest import finished, nightdrop
from tests.crash.conftest import Scene

APP = Path(__file__).parent / "workflow_app.py"


class WorkflowScene(Scene):
    """A scene whose documents go through a workflow."""

    provider: SimulatedProvider

    def start(self, fault: str | None = None, *extra: str | Path) -> Any:
        env = {**self.provider.environment, "TEST_DB": self.place, "EXECUTION_LOG": str(self.log)}
        if fault is not None:
            env["NIGHTDROP_FAULT_POINT"] = fault
        return nightdrop("run", self.folder, "--workflow", f"{APP}:workflow", *extra, env=env)

    def recorded(self) -> set[str]:
        """`document step` of everything that is recorded."""
        rows = self.query(
            "SELECT filename, path FROM nightdrop_steps JOIN nightdrop_run_files USING (run_id) WHERE kind != 'loop'"
        )
        return {f"{document} {path}" for document, path in rows}

    def ran(self) -> list[str]:
        """`document step` of everything that has run, as often as it has."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def assert_right(self) -> None:
        """Each document has its own result, every step is recorded once, and the ledger has every call."""
        rows = self.query("SELECT status, content FROM nightdrop_runs")
        assert [status for status, _ in rows] == ["COMPLETED"] * self.count
        for _, text in rows:
            found = json.loads(text)
            number = found["number"]
            parity = "even" if int(number) % 2 == 0 else "odd"
            assert found["marks"] == [number, number, f"right {number}, deeper", parity, "20", number, number]
        assert {json.loads(text)["number"] for _, text in rows} == {f"{n:05}" for n in range(self.count)}
        doubled = self.query("SELECT run_id, path FROM nightdrop_steps GROUP BY run_id, path HAVING count(*) > 1")
        assert not doubled
        self.provider.wait_idle()
        billed = {call.call_id for call in self.provider.meter.calls if call.billed}
        assert billed <= {row[0] for row in self.query("SELECT call_id FROM nightdrop_model_calls")}
        of_steps = self.query("SELECT DISTINCT step FROM nightdrop_model_calls")
        assert of_steps == [("parallel/paid",)]

    def assert_done_once(self, recorded: set[str], before: list[str]) -> None:
        """What was recorded at a kill has not run again; what was not has run at most once more."""
        after = self.ran()
        for entry in set(after):
            again = after.count(entry) - before.count(entry)
            assert again <= (0 if entry in recorded else 1), entry


@pytest.fixture
def scene(tmp_path: Path, place: str, invoices: Any) -> Iterator[Any]:
    """Makes a scene of `count` documents."""
    with SimulatedProvider(answers=lambda _: {"invoice_number": "R-7"}, latency=0.05) as provider:

        def make(count: int) -> WorkflowScene:
            s = WorkflowScene(root=tmp_path, folder=invoices(count), count=count, place=place)
            object.__setattr__(s, "provider", provider)
            return s

        yield make


@pytest.mark.parametrize("point", ["step.done", "step.commit", "step.committed"])
@pytest.mark.parametrize("times", [1, 6, 13, 21, 30])
def test_killed_at_a_step(scene: Any, point: str, times: int) -> None:
    """Sixteen rows a document, three documents: the kills fall into every kind of node."""
    s = scene(3)
    code, _, err = finished(s.start(f"{point}:{times}"))
    assert code == -signal.SIGKILL, err
    recorded, before = s.recorded(), s.ran()
    code, _, err = finished(s.start(None, "--json"))
    assert code == 0, err
    s.assert_right()
    s.assert_done_once(recorded, before)


@pytest.mark.parametrize("point", ["call.opened", "call.answered", "call.closed", "answer.made", "result.committed"])
def test_killed_around_an_agents_step(scene: Any, point: str) -> None:
    """A step that asks a model: a recorded answer is given again, and not paid again."""
    s = scene(2)
    code, _, err = finished(s.start(point))
    assert code == -signal.SIGKILL, err
    recorded, before = s.recorded(), s.ran()
    code, _, err = finished(s.start(None, "--json"))
    assert code == 0, err
    s.assert_right()
    s.assert_done_once(recorded, before)
    answered = s.query("SELECT count(*) FROM nightdrop_model_calls WHERE outcome = 'answered'")
    assert answered == [(2,)]


def test_killed_again_and_again(scene: Any) -> None:
    """Random moments, until the batch is through."""
    s = scene(12)
    dice = random.Random(7)
    for _ in range(12):
        process = s.start()
        started = time.monotonic()
        wait = 0.6 + dice.random() * 0.7
        while process.poll() is None and time.monotonic() - started < wait:
            time.sleep(0.01)
        recorded, before = s.recorded(), s.ran()
        process.kill()
        code, _, err = finished(process)
        assert code in (0, -signal.SIGKILL), err
        assert not [e for e in s.recorded() if s.ran().count(e) > before.count(e) + 1 and e in recorded]
        if code == 0:
            break
    code, _, err = finished(s.start(None, "--json"))
    assert code == 0, err
    s.assert_right()
