"""kill -9 of the process that ends a run, or that tells of it: an end is told once it is committed, and not before."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import change_at, finished, nightdrop
from tests.crash.conftest import Scene
from tests.crash.test_schedules_killed import _path
from tests.crash.test_takeover import until
from tests.site import Site, site

APP = Path(__file__).parent / "hooked_app.py"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture
def processes(web: Site) -> Iterator[Start]:
    """Starts worker processes; one that is killed stays dead."""
    started: list[subprocess.Popen[str]] = []

    def start(s: Scene, fault: str | None = None) -> subprocess.Popen[str]:
        env = {
            "EXECUTION_LOG": str(s.log),
            "TEST_DB": s.place,
            "PYTHONPATH": _path(),
            "HOOK_URL": web.url,
            "NIGHTDROP_ALLOW_HOSTS": "127.0.0.1",
        }
        if fault is not None:
            env["NIGHTDROP_FAULT_POINT"] = fault
        started.append(nightdrop("worker-process", "--agent", f"{APP}:agent_os", env=env, stdin=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        finished(process)


def put_in(s: Scene) -> None:
    """Accept the documents, for workers to execute; who accepts them dies at once."""
    code, _, err = finished(s.start("accept.committed"))
    assert code == -9, err


def states(s: Scene) -> list[tuple[Any, ...]]:
    return s.query("SELECT event, state FROM nightdrop_webhook_deliveries ORDER BY event")


def heard(web: Site) -> list[tuple[str, str]]:
    return [(json.loads(body)["type"], headers["webhook-id"]) for _, _, headers, body in web.asked]


@pytest.mark.parametrize("fault", ["result.commit", "result.committed", "delivery.claimed", "delivery.sent"])
def test_an_end_is_told_whoever_dies(scene: Any, web: Site, processes: Start, fault: str) -> None:
    """Killed before the end is committed, after it, before the request, and before the answer is noted."""
    s = scene(1)
    first = processes(s, fault)
    until(lambda: s.query("SELECT count(*) FROM nightdrop_executors") == [(1,)], 30, "the webhook is there")
    put_in(s)
    assert first.wait(60) == -9
    told_before = len(web.asked)
    assert told_before == (1 if fault == "delivery.sent" else 0)
    ended = s.query("SELECT count(*) FROM nightdrop_runs WHERE status = 'COMPLETED'")[0][0]
    assert [event for event, _ in states(s)] == (["run.completed"] if ended else [])
    change_at(s.place, "UPDATE nightdrop_webhook_deliveries SET not_before = 0")  # its lease has run out
    processes(s)
    until(lambda: states(s) == [("run.completed", "delivered")], 30, "it is told")
    assert {event for event, _ in heard(web)} == {"run.completed"}
    assert len(heard(web)) == told_before + 1
    assert len({delivery_id for _, delivery_id in heard(web)}) == 1
