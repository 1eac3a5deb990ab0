"""Worker processes: killed, drained, poisoned, of another revision; on both databases."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import finished, nightdrop
from tests.crash.conftest import APP, Scene
from tests.crash.test_takeover import until

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def workers() -> Iterator[Start]:
    """Starts `nightdrop worker` on a scene; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(s: Scene, *options: str, **env: str) -> subprocess.Popen[str]:
        given = {"EXECUTION_LOG": str(s.log), "TEST_DB": s.place, **env}
        started.append(nightdrop("worker", f"{APP}:agent", *options, env=given))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        finished(process)


def accepted(scene: Callable[[int], Scene], count: int) -> Scene:
    """A scene whose documents are accepted and in nobody's hands."""
    s = scene(count)
    code, _, err = finished(s.start("accept.committed"))
    assert code == -signal.SIGKILL, err
    assert len(s.query("SELECT 1 FROM nightdrop_runs WHERE status = 'PENDING'")) == count
    return s


def pids(s: Scene) -> list[int]:
    return [row[0] for row in s.query("SELECT pid FROM nightdrop_executors WHERE role = 'worker'")]


def all_done(s: Scene) -> bool:
    return len(s.completed()) == s.count


def test_one_of_three_killed_in_mid_batch_loses_nothing(scene: Any, workers: Start) -> None:
    s = accepted(scene, 150)
    workers(s, "--processes", "3", "--concurrency", "4", SLOW_SECONDS="0.2")
    busy = "SELECT e.pid FROM nightdrop_executors e JOIN nightdrop_runs r ON r.executor_id = e.executor_id "
    busy += "WHERE r.status = 'RUNNING' LIMIT 1"
    until(lambda: len(pids(s)) == 3 and len(s.completed()) >= 10, 60, "three workers are at work")
    victim = s.query(busy)[0][0]
    theirs = s.query(f"SELECT executor_id FROM nightdrop_executors WHERE pid = {victim}")[0][0]
    os.kill(victim, signal.SIGKILL)
    done = s.completed()  # first: the others go on
    before = s.executions()
    until(
        lambda: not s.query(f"SELECT 1 FROM nightdrop_runs WHERE executor_id = '{theirs}' AND status = 'RUNNING'"),
        5,
        "the runs of the dead worker are in other hands",
    )
    until(lambda: all_done(s), 60, "every document has its result")
    assert not set(s.executions() - before) & done, "a document with a committed result was read again"
    until(lambda: len(pids(s)) == 3, 20, "the supervisor has started another")
    assert s.query("SELECT count(*) FROM nightdrop_runs") == [(150,)]


def test_a_document_that_kills_its_worker_takes_no_neighbour_with_it(scene: Any, workers: Start) -> None:
    s = accepted(scene, 20)
    workers(s, "--processes", "2", "--concurrency", "8", DEADLY="INV-00007", SLOW_SECONDS="0.02")
    ended = "SELECT count(*) FROM nightdrop_runs WHERE status IN ('COMPLETED', 'ERROR')"
    until(lambda: s.query(ended) == [(20,)], 90, "every document has ended")
    assert s.completed() == {f"INV-{n:05}" for n in range(20)} - {"INV-00007"}
    assert s.query("SELECT error_code, crashes FROM nightdrop_runs WHERE status = 'ERROR'") == [("poisoned", 3)]
    assert s.query("SELECT code, state FROM nightdrop_dead_letters") == [("poisoned", "open")]


def test_a_batch_killed_by_its_document_ends_when_it_is_called_again(scene: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("DEADLY", "INV-00003")
    s = scene(8)
    for _ in range(2):
        code, _, err = finished(s.start())
        assert code == -signal.SIGSEGV, err
    code, out, err = finished(s.start(None, "--json"))
    assert code == 1, err
    assert (json.loads(out)["done"], json.loads(out)["failed"]) == (8, 1)
    assert s.query("SELECT error_code FROM nightdrop_runs WHERE status = 'ERROR'") == [("poisoned",)]


def test_sigterm_lets_runs_end_and_hands_the_rest_back(scene: Any, workers: Start) -> None:
    s = accepted(scene, 80)
    process = workers(s, "--processes", "1", "--concurrency", "2", "--drain-timeout", "30", SLOW_SECONDS="0.2")
    until(lambda: len(s.completed()) >= 2, 60, "it is at work")
    process.send_signal(signal.SIGTERM)
    code, _, err = finished(process, timeout=30)
    assert code == 0, err
    assert s.query("SELECT count(*) FROM nightdrop_executors") == [(0,)]
    assert s.query(
        "SELECT count(*) FROM nightdrop_runs WHERE status = 'RUNNING' OR executor_id IS NOT NULL AND status = 'PENDING'"
    ) == [(0,)]
    assert len(s.completed()) < 80
    assert s.executions().total() == len(s.completed()), "what had begun was finished"
    assert s.query("SELECT max(deaths) FROM nightdrop_runs") == [(0,)]
    s.assert_whole(s.finish())
    assert s.executions().total() == 80, "nothing was read twice"


def test_a_drain_timeout_hands_running_documents_back(scene: Any, workers: Start) -> None:
    s = accepted(scene, 4)
    process = workers(s, "--processes", "1", "--drain-timeout", "0", SLOW_SECONDS="30")
    until(s.log.with_suffix(".slow").exists, 60, "user code does not come back")
    process.send_signal(signal.SIGTERM)
    code, _, err = finished(process, timeout=20)
    assert code == 0, err
    until(lambda: not s.query("SELECT 1 FROM nightdrop_runs WHERE executor_id IS NOT NULL"), 20, "all handed back")
    s.assert_whole(s.finish())


def test_workers_leave_when_their_supervisor_is_killed(scene: Any, workers: Start) -> None:
    s = scene(1)
    process = workers(s, "--processes", "2")
    until(lambda: len(pids(s)) == 2, 60, "both are up")
    children = pids(s)
    process.kill()
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 20, "they have left")
    assert s.query("SELECT count(*) FROM nightdrop_executors") == [(0,)]


def test_a_worker_of_another_revision_leaves_the_work_and_that_is_said(scene: Any, workers: Start) -> None:
    s = accepted(scene, 3)
    process = workers(s, "--processes", "1", INSTRUCTIONS="Read with other instructions.")
    until(lambda: len(pids(s)) == 1, 60, "it is up")
    code, out, _ = finished(nightdrop("workers", "--db", s.place, "--json"))
    seen = json.loads(out)
    assert code == 0
    assert [(w["role"], w["state"], w["runs"]) for w in seen["items"]] == [("worker", "working", 0)]
    (waiting,) = seen["waiting_without_worker"]
    assert (waiting["agent_id"], waiting["runs"]) == ("counted", 3)
    assert "nightdrop worker" in waiting["hint"]
    run_id = s.query("SELECT run_id FROM nightdrop_runs LIMIT 1")[0][0]
    _, shown, _ = finished(nightdrop("runs", "show", run_id, "--db", s.place))
    assert "waits for" in shown
    assert "nightdrop worker" in shown
    assert s.query("SELECT DISTINCT status FROM nightdrop_runs") == [("PENDING",)]
    process.send_signal(signal.SIGTERM)
    assert finished(process)[0] == 0


def test_an_app_that_cannot_be_loaded_is_a_bad_call(tmp_path: Any) -> None:
    code, _, err = finished(nightdrop("worker", f"{tmp_path / 'none.py'}:agent_os", "--processes", "1"), timeout=30)
    assert code == 2
    assert "bad_argument" in err
