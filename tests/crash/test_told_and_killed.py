"""Cancelling and replaying from the command line: killed at their commits, and while a run is at work elsewhere."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from nightdrop.testing import SimulatedProvider
from tests.conftest import finished, nightdrop
from tests.crash.test_calls_killed import PaidScene
from tests.crash.test_takeover import until


def _told(s: Any, *command: str, fault: str | None = None) -> tuple[int, str]:
    env = {} if fault is None else {"NIGHTDROP_FAULT_POINT": fault}
    code, out, err = finished(nightdrop(*command, "--db", s.place, env=env))
    return code, out + err


def _statuses(s: Any) -> list[tuple[Any, ...]]:
    return list(s.query("SELECT status, count(*) FROM nightdrop_runs GROUP BY status ORDER BY status"))


@pytest.mark.parametrize("fault", ["cancel.commit", "cancel.committed"])
def test_a_cancelled_batch_never_starts_wherever_the_cancelling_died(scene: Any, fault: str) -> None:
    s = scene(8)
    assert finished(s.start("accept.committed"))[0] == -signal.SIGKILL
    (batch,) = s.query("SELECT batch_id FROM nightdrop_batches")[0]
    code, said = _told(s, "runs", "cancel", "--batch", batch, fault=fault)
    assert code == -signal.SIGKILL, said
    assert _statuses(s) == [("PENDING" if fault == "cancel.commit" else "CANCELLED", 8)]
    code, said = _told(s, "runs", "cancel", "--batch", batch)
    assert code == 0, said
    assert _statuses(s) == [("CANCELLED", 8)]
    assert not s.executions()


@pytest.mark.parametrize("fault", ["replay.commit", "replay.committed"])
def test_a_replay_is_whole_or_not_there_and_ends_in_one_result(scene: Any, fault: str, monkeypatch: Any) -> None:
    s = scene(4)
    monkeypatch.setenv("REFUSED", "INV-00002")
    assert finished(s.start())[0] == 1
    code, said = _told(s, "dead-letters", "replay", "--code", "answer_invalid", fault=fault)
    assert code == -signal.SIGKILL, said
    moved = fault == "replay.committed"
    letters = s.query("SELECT state FROM nightdrop_dead_letters")
    assert letters == [("replayed" if moved else "open",)]
    assert _statuses(s) == [("COMPLETED", 3), ("PENDING" if moved else "ERROR", 1)]
    monkeypatch.delenv("REFUSED")
    code, said = _told(s, "dead-letters", "replay", "--code", "answer_invalid")
    assert (code, moved or "1 run" in said) == (0, True), said
    s.assert_whole(s.finish())
    assert s.query("SELECT attempt FROM nightdrop_runs WHERE attempt > 1") == [(2,)]


def test_a_run_at_work_elsewhere_stops_and_what_may_be_billed_shows(place: str, tmp_path: Any, invoices: Any) -> None:
    s = PaidScene(root=tmp_path, folder=invoices(1), count=1, place=place)
    with SimulatedProvider(latency=60.0) as provider:
        object.__setattr__(s, "provider", provider)
        object.__setattr__(s, "model_timeout", "60")  # the command that cancels has time to start
        working = s.start()
        until(lambda: s.query("SELECT 1 FROM nightdrop_model_calls"), 60, "the call is under way")
        (run_id,) = s.query("SELECT run_id FROM nightdrop_runs")[0]
        code, said = _told(s, "runs", "cancel", run_id)
        assert code == 0, said
        until(lambda: _statuses(s) == [("CANCELLED", 1)], 20, "it stops at its next await")
        assert finished(working)[0] == 1
    assert s.query("SELECT outcome, closed_at FROM nightdrop_model_calls") == [("cancelled", None)]
