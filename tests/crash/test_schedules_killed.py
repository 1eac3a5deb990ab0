"""kill -9 of the process that fires, and many processes at once: no occurrence is lost or fired twice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop import ScheduleManager
from nightdrop.clock import now_ms
from nightdrop.schedules import service
from nightdrop.store.place import database_at
from tests.conftest import finished, nightdrop
from tests.crash.conftest import Scene
from tests.crash.test_takeover import until

APP = Path(__file__).parent / "scheduled_app.py"
DAY = 86_400_000
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def processes() -> Iterator[Start]:
    """Starts worker processes with a scheduler; one that is killed stays dead."""
    started: list[subprocess.Popen[str]] = []

    def start(s: Scene, fault: str | None = None) -> subprocess.Popen[str]:
        env = {"EXECUTION_LOG": str(s.log), "TEST_DB": s.place, "PYTHONPATH": _path()}
        if fault is not None:
            env["NIGHTDROP_FAULT_POINT"] = fault
        started.append(nightdrop("worker-process", "--agent", f"{APP}:agent_os", env=env, stdin=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        finished(process)


def _path() -> str:
    return os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])


def due(s: Scene, count: int = 1, **payload: Any) -> None:
    """Schedules whose one occurrence was due a second ago; the next is a day later."""
    old = time.time() - 60
    for path in s.folder.iterdir():
        os.utime(path, (old, old))
    db = database_at(s.place)
    moment = now_ms() - 1000
    for number in range(count):
        fields = {
            "name": f"s{number}",
            "cron": "0 0 * * *",
            "endpoint": "/agents/counted/runs",
            "payload": {"message": "Read.", "files": str(s.folder), **payload},
        }
        made = service.create_schedule(db, fields)
        with db.write() as connection:
            connection.exec_driver_sql(f"UPDATE nightdrop_schedules SET next_fire_at = {moment} WHERE id = '{made.id}'")
    db.close()


def rows(s: Scene) -> list[tuple[Any, ...]]:
    return s.query("SELECT status, attempt, error FROM nightdrop_schedule_runs ORDER BY id")


def fires(s: Scene) -> list[str]:
    return [row[0] for row in rows(s)]


@pytest.mark.parametrize(
    "fault",
    [
        "fire.commit",
        "fire.committed",
        "accept.stored",
        "accept.commit",
        "accept.committed",
        "close.commit",
        "close.committed",
        "after.done",
    ],
)
def test_killed_at_a_fault_point(scene: Any, processes: Start, fault: str) -> None:
    """The next process carries on: one fire, every document read once, the files put away."""
    s = scene(5)
    due(s, after="move:done/")
    killed = processes(s, fault)
    until(lambda: killed.poll() is not None, 60, f"it is killed at {fault}")
    assert killed.returncode == -signal.SIGKILL
    processes(s)
    until(lambda: fires(s) == ["success"], 60, "the fire is closed")
    until(lambda: len(list((s.folder / "done").glob("*.txt"))) == 5, 30, "the files are put away")
    assert s.completed() == {f"INV-{n:05}" for n in range(5)}
    assert s.query("SELECT count(*) FROM nightdrop_runs")[0][0] == 5
    assert s.query("SELECT count(*) FROM nightdrop_batches")[0][0] == 1
    assert [path for path in s.folder.iterdir() if path.is_file()] == []


def test_three_processes_fire_each_once(scene: Any, processes: Start) -> None:
    s = scene(2)
    due(s, count=20)
    for _ in range(3):
        processes(s)
    until(lambda: fires(s) == ["success"] * 20, 90, "all are fired and closed")
    assert s.query("SELECT count(DISTINCT schedule_id) FROM nightdrop_schedule_runs")[0][0] == 20
    assert s.query("SELECT count(*) FROM nightdrop_runs")[0][0] == 2


def test_an_occurrence_survives_that_nobody_runs(scene: Any, processes: Start) -> None:
    """Triggered by hand while nothing runs: it waits, and a process that starts later fires it once."""
    s = scene(1)
    due(s)
    db = database_at(s.place)
    manager = ScheduleManager(db)
    manager.disable("s0")
    manager.trigger("s0")
    db.close()
    assert fires(s) == ["pending"]
    processes(s)
    until(lambda: fires(s) == ["success"], 60, "it is fired")
