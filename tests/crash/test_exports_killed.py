"""kill -9 around a step that exports: what it put is there once, under one key, and what was recorded stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import finished, nightdrop
from tests.crash.conftest import Scene, Table
from tests.fundamentals.sink_places import let_in
from tests.site import Site, site

APP = Path(__file__).parent / "exporting_app.py"
Run = Callable[[str | None], subprocess.Popen[str]]

FAULTS = {
    "step.done:2": 2,  # it is put, the step is not recorded: it exports again
    "step.commit:2": 2,  # the record is not committed
    "step.committed:2": 1,
    "result.commit": 1,
}
"""How often `export` puts its row for each."""


def exporting(s: Scene, to: str) -> Run:
    def run(fault: str | None) -> subprocess.Popen[str]:
        env = {"TEST_DB": s.place, "EXECUTION_LOG": str(s.log), "EXPORT_TO": to}
        env |= {} if fault is None else {"NIGHTDROP_FAULT_POINT": fault}
        return nightdrop("run", s.folder, "--workflow", f"{APP}:workflow", "--quiet", env=env)

    return run


def killed(process: subprocess.Popen[str]) -> None:
    code, _, err = finished(process)
    assert code == -signal.SIGKILL, err


def assert_ended_once(s: Scene) -> None:
    assert s.query("SELECT status FROM nightdrop_runs") == [("COMPLETED",)]
    assert s.query("SELECT count(*), count(DISTINCT path) FROM nightdrop_steps") == [(3, 3)]
    assert s.executions()["read-00000"] == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_after_a_table_has_it(scene: Any, table: Table, fault: str) -> None:
    s = scene(1)
    run = exporting(s, table.url)
    killed(run(fault))
    assert len(table.rows("document")) == 1
    if fault == "step.done:2":
        killed(run("step.done"))  # once more at the same place: the step before is recorded
    code, _, err = finished(run(None))
    assert code == 0, err
    ((content, status, version),) = table.rows("content, status, version")
    assert (json.loads(content), status, version) == ({"number": "00000"}, "EXPORTED", 1)
    assert_ended_once(s)


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_after_a_receiver_has_answered(
    scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    s = scene(1)
    with site() as web:
        run = exporting(s, let_in(web, tmp_path, monkeypatch))
        killed(run(fault))
        assert len(web.asked) == 1
        code, _, err = finished(run(None))
        assert code == 0, err
    assert_one_key(web, sent=FAULTS[fault])
    assert_ended_once(s)


def test_killed_before_the_answer_of_a_receiver(scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene(1)
    pids: list[int] = []

    def pull_the_plug(_body: bytes) -> None:
        while pids:
            os.kill(pids.pop(), signal.SIGKILL)

    with site() as web:
        web.decide = pull_the_plug
        run = exporting(s, let_in(web, tmp_path, monkeypatch))
        for _ in range(2):
            process = run(None)
            pids.append(process.pid)
            killed(process)
        code, _, err = finished(run(None))
        assert code == 0, err
    assert_one_key(web, sent=3)
    assert_ended_once(s)


def assert_one_key(web: Site, sent: int) -> None:
    """However often it was sent, it is the same row under the same key."""
    told = Counter((headers["Idempotency-Key"], body) for _, _, headers, body in web.asked)
    ((_, body),) = told
    assert json.loads(body)["content"] == {"number": "00000"}
    assert told.total() == sent
