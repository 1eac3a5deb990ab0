"""kill -9 around a pause and around its answer: the question is there or is asked again, the answer is there or can be
given again, and no recorded call is paid twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from nightdrop.testing import SimulatedProvider, ToolCall
from tests.conftest import finished, nightdrop, rows_at
from tests.crash.one_run import OneRun
from tests.crash.test_takeover import until


@dataclass(frozen=True)
class Scene(OneRun):
    """One run on one database, and the provider it asks."""

    app = "asking_app"
    text = "Invoice R-7"

    def answer(self, fault: str | None = None) -> tuple[int, str, str]:
        """`nightdrop runs continue` as a process of its own."""
        command = ("runs", "continue", self.row()["run_id"], "--answer", '"yes"', "--db", self.place)
        return finished(nightdrop(*command, env=self.environment(fault)))

    def row(self) -> dict[str, Any]:
        names = ("run_id", "status", "executor_id", "decisions", "attempt")
        found = rows_at(self.place, f"SELECT {', '.join(names)} FROM nightdrop_runs")
        assert len(found) == 1
        return dict(zip(names, found[0], strict=True))

    def until_status(self, status: str) -> None:
        until(lambda: self.row()["status"] == status, 30, f"the run is {status}")

    def assert_paid(self, answered: int) -> None:
        """The meter and the ledger agree, call by call."""
        self.provider.wait_idle()
        billed = [call.call_id for call in self.provider.meter.calls if call.billed]
        ledger = rows_at(self.place, "SELECT call_id FROM nightdrop_model_calls WHERE outcome = 'answered'")
        assert len(billed) == len(ledger) == answered
        assert {row[0] for row in ledger} == set(billed)


@pytest.fixture
def asking(place: str) -> Iterator[Scene]:
    """A model that wants one approval before it answers."""
    tools = [ToolCall(name="approve", arguments={"amount": 500})]
    with SimulatedProvider(answers=lambda _: {"invoice_number": "R-7"}, tools=tools) as provider:
        yield Scene(place=place, provider=provider)


@pytest.mark.parametrize("fault", ["result.commit", "result.committed"])
def test_killed_as_it_pauses(asking: Scene, fault: str) -> None:
    """Not committed: the next process asks the question again, from the recorded answer. Committed: it is asked."""
    asking.killed(asking.execute("begin", fault))
    assert asking.row()["status"] == ("RUNNING" if fault == "result.commit" else "PAUSED")
    with asking.worker():
        asking.until_status("PAUSED")
        asking.assert_paid(1)
        code, out, err = asking.answer()
        assert code == 0, err
        assert "goes on" in out
        asking.until_status("COMPLETED")
    asking.assert_paid(2)
    assert asking.row()["attempt"] == 1


@pytest.mark.parametrize("fault", ["continue.commit", "continue.committed"])
def test_killed_as_it_is_answered(asking: Scene, fault: str) -> None:
    """Not committed: it is PAUSED as before. Committed: it is queued, and a second answer is refused."""
    code, out, err = finished(asking.execute("begin"))
    assert (code, out) == (0, "PAUSED\n"), err
    assert asking.answer(fault)[0] == -signal.SIGKILL
    row = asking.row()
    if fault == "continue.commit":
        assert (row["status"], row["decisions"]) == ("PAUSED", None)
        assert asking.answer()[0] == 0
    row = asking.row()
    assert (row["status"], row["executor_id"]) == ("PENDING", None)
    code, _, err = asking.answer()
    assert code == 2
    assert "run_not_paused" in err
    with asking.worker():
        asking.until_status("COMPLETED")
    asking.assert_paid(2)


@pytest.mark.parametrize("fault", ["dispatch.committed", "call.closed"])
def test_killed_as_it_goes_on(asking: Scene, fault: str) -> None:
    """The executor of a continued run dies: another one continues, with the answer and what was recorded."""
    code, _, err = finished(asking.execute("begin"))
    assert code == 0, err
    assert asking.answer()[0] == 0
    asking.killed(asking.execute("wait", fault))
    with asking.worker():
        asking.until_status("COMPLETED")
    asking.assert_paid(2)
