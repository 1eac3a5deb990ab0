"""A process that is frozen past its lease: others take its work over, and it goes on when it thaws. Rows in the hands
of nobody are found."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from tests.conftest import change_at, finished
from tests.crash.test_takeover import until, worker


def test_a_frozen_process_loses_its_runs_and_works_on_when_it_thaws(scene: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("NIGHTDROP_LEASE_SECONDS", "2")
    monkeypatch.setenv("SLOW_SECONDS", "0.1")
    s = scene(60)
    frozen = s.start()
    until(lambda: len(s.completed()) >= 3, 20, "the batch is under way")
    os.kill(frozen.pid, signal.SIGSTOP)
    other = worker(s)
    try:
        until(
            lambda: len(s.query("SELECT 1 FROM nightdrop_executors")) == 1 and _other_works(s), 20, "it is taken over"
        )
        other.kill()  # what is left is the frozen one's again
        finished(other)
        os.kill(frozen.pid, signal.SIGCONT)
        code, _, err = finished(frozen, timeout=60)
        assert code == 0, err
    finally:
        other.kill()
        frozen.kill()
    s.assert_whole(s.finish())


def _other_works(s: Any) -> bool:
    return len(s.query("SELECT DISTINCT executor_id FROM nightdrop_runs WHERE executor_id IS NOT NULL")) >= 2


def test_runs_in_the_hands_of_nobody_are_found(scene: Any) -> None:
    s = scene(6)
    code, _, err = finished(s.start("dispatch.committed"))
    assert code == -signal.SIGKILL, err
    change_at(s.place, "DELETE FROM nightdrop_executors")
    started = time.monotonic()
    s.assert_whole(s.finish())
    assert time.monotonic() - started < 30


def test_a_file_that_changed_before_the_batch_went_on_leaves_no_open_run(scene: Any) -> None:
    s = scene(3)
    code, _, err = finished(s.start("dispatch.committed"))
    assert code == -signal.SIGKILL, err
    changed = s.folder / "invoice-00001.txt"
    changed.write_text(changed.read_text() + "Changed.\n")
    code, out, err = finished(s.start(None, "--json"))
    assert code == 0, err
    assert s.query("SELECT status, count(*) FROM nightdrop_runs GROUP BY 1 ORDER BY 1") == [
        ("CANCELLED", 1),
        ("COMPLETED", 3),
    ], out
