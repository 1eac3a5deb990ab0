"""kill -9 around a review: the run waits with all its reviews or its answer is looked at again, a decision counts
wholly or not at all, and nothing is paid for twice."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from nightdrop.testing import SimulatedProvider
from tests.conftest import finished, nightdrop, rows_at
from tests.crash.one_run import OneRun
from tests.crash.test_takeover import until


@dataclass(frozen=True)
class Scene(OneRun):
    """One run on one database, and the provider it asks: both of its values are invented."""

    app = "reviewed_app"
    text = "Invoice R-7 of 119.00"

    def begin(self) -> None:
        code, out, err = finished(self.execute("begin"))
        assert (code, out) == (0, "PAUSED\n"), err

    def decide(self, field: str, *words: str, fault: str | None = None) -> tuple[int, str, str]:
        """`nightdrop reviews ...` as a process of its own."""
        (found,) = rows_at(self.place, "SELECT id FROM nightdrop_reviews WHERE path = ?", (field,))
        command = ("reviews", words[0], found[0], *words[1:], "--reviewer", "ann", "--db", self.place)
        return finished(nightdrop(*command, env=self.environment(fault)))

    def run(self) -> tuple[Any, ...]:
        (row,) = rows_at(self.place, "SELECT status, executor_id, attempt, content FROM nightdrop_runs")
        return row

    def states(self) -> dict[str, str]:
        return dict(rows_at(self.place, "SELECT path, state FROM nightdrop_reviews"))  # type: ignore[arg-type]

    def until_status(self, status: str) -> None:
        until(lambda: self.run()[0] == status, 30, f"the run is {status}")

    def assert_paid_once(self) -> None:
        self.provider.wait_idle()
        assert len([call for call in self.provider.meter.calls if call.billed]) == 1
        assert rows_at(self.place, "SELECT count(*) FROM nightdrop_model_calls") == [(1,)]


@pytest.fixture
def scene(place: str) -> Iterator[Scene]:
    """A model that invents both values."""
    with SimulatedProvider(answers=lambda _: {"number": "X-9", "total": "555.00"}) as provider:
        yield Scene(place=place, provider=provider)


@pytest.mark.parametrize("fault", ["result.commit", "result.committed"])
def test_killed_as_it_pauses(scene: Scene, fault: str) -> None:
    """Not committed: neither status nor any review is there, and the recorded answer is asked about once more."""
    scene.killed(scene.execute("begin", fault))
    if fault == "result.commit":
        assert (scene.run()[0], scene.states()) == ("RUNNING", {})
    with scene.worker():
        scene.until_status("PAUSED")
        assert scene.states() == {"number": "open", "total": "open"}
    scene.assert_paid_once()


@pytest.mark.parametrize("fault", ["review.commit", "review.committed"])
def test_killed_as_it_is_accepted(scene: Scene, fault: str) -> None:
    """Not committed: it can be decided again. Committed: it is COMPLETED, without any worker, and refuses another."""
    scene.begin()
    assert scene.decide("number", "accept")[0] == 0
    assert scene.decide("total", "accept", fault=fault)[0] == -signal.SIGKILL
    if fault == "review.commit":
        assert (scene.run()[0], scene.states()) == ("PAUSED", {"number": "accepted", "total": "open"})
        assert scene.decide("total", "accept")[0] == 0
    assert (scene.run()[0], scene.states()) == ("COMPLETED", {"number": "accepted", "total": "accepted"})
    code, _, err = scene.decide("total", "reject")
    assert code == 2
    assert "review_decided" in err
    scene.assert_paid_once()


@pytest.mark.parametrize("fault", ["review.commit", "review.committed"])
def test_killed_as_it_is_rejected(scene: Scene, fault: str) -> None:
    """Status, dead letter and the other reviews change together or not at all."""
    scene.begin()
    assert scene.decide("total", "reject", fault=fault)[0] == -signal.SIGKILL
    letters = "SELECT code FROM nightdrop_dead_letters"
    if fault == "review.commit":
        assert (scene.run()[0], rows_at(scene.place, letters)) == ("PAUSED", [])
        assert scene.states() == {"number": "open", "total": "open"}
        assert scene.decide("total", "reject")[0] == 0
    assert scene.run()[0] == "ERROR"
    assert rows_at(scene.place, letters) == [("review_rejected",)]
    assert scene.states() == {"number": "withdrawn", "total": "rejected"}


@pytest.mark.parametrize("fault", ["review.commit", "review.committed"])
def test_killed_as_it_is_corrected(scene: Scene, fault: str) -> None:
    """Not committed: PAUSED as before. Committed: queued, and a worker completes it, for nothing."""
    scene.begin()
    assert scene.decide("number", "correct", "--value", "R-7")[0] == 0
    assert scene.decide("total", "correct", "--value", "119.00", fault=fault)[0] == -signal.SIGKILL
    if fault == "review.commit":
        assert (scene.run()[0], scene.states()["total"]) == ("PAUSED", "open")
        assert scene.decide("total", "correct", "--value", "119.00")[0] == 0
    assert scene.run()[:2] == ("PENDING", None)
    with scene.worker():
        scene.until_status("COMPLETED")
    assert json.loads(scene.run()[3]) == {"number": "R-7", "total": "119.00"}
    assert scene.run()[2] == 1
    scene.assert_paid_once()


@pytest.mark.parametrize("fault", ["dispatch.committed", "attempt.started", "answer.made", "result.commit"])
def test_killed_as_corrections_are_carried_out(scene: Scene, fault: str) -> None:
    """The executor dies: another one goes on from the decisions."""
    scene.begin()
    assert scene.decide("number", "accept")[0] == 0
    code, out, err = scene.decide("total", "correct", "--value", "119.00")
    assert code == 0, err
    assert "PENDING" in out
    scene.killed(scene.execute("wait", fault))
    with scene.worker():
        scene.until_status("COMPLETED")
    assert json.loads(scene.run()[3]) == {"number": "X-9", "total": "119.00"}
    scene.assert_paid_once()
