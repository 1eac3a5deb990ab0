"""kill -9 of a watch, then the same command: nothing lost, no finished document read again, every row once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import finished, invoice_text, nightdrop
from tests.crash.conftest import APP, Scene
from tests.crash.test_takeover import until
from tests.sources.queues import redis_stream
from tests.sources.serve import PASSWORD


def watch(s: Scene, fault: str | None, *extra: str, source: str | None = None) -> subprocess.Popen[str]:
    env = {"EXECUTION_LOG": str(s.log), "TEST_DB": s.place}
    if fault is not None:
        env["NIGHTDROP_FAULT_POINT"] = fault
    options = ("--message", "Read.", "--settle", "0", "--json", "--out", s.root / "rows.jsonl")
    return nightdrop("watch", source or s.folder, "--agent", f"{APP}:agent", *options, *extra, env=env)


def rows(s: Scene) -> list[str]:
    return sorted(
        json.loads(line)["content"]["invoice_number"] for line in (s.root / "rows.jsonl").read_text().splitlines()
    )


@pytest.mark.parametrize("fault", ["accept.committed", "result.committed:4", "after.done:2"])
def test_killed_at_a_fault_point(scene: Any, fault: str) -> None:
    s = scene(6)
    code, _, err = finished(watch(s, fault, "--once", "--after", "move:done"))
    assert code == -signal.SIGKILL, err
    before, done = s.executions(), s.completed()
    code, out, err = finished(watch(s, None, "--once", "--after", "move:done"))
    assert code == 0, err
    assert s.completed() == {f"INV-{n:05}" for n in range(6)}
    assert not set(s.executions() - before) & done, "a document with a committed result was read again"
    assert s.query("SELECT count(*) FROM nightdrop_runs")[0][0] == 6
    assert rows(s) == [f"INV-{n:05}" for n in range(6)]
    assert sorted(p.name for p in (s.folder / "done").iterdir()) == [f"invoice-{n:05}.txt" for n in range(6)]
    assert json.loads(out.splitlines()[-1])["event"] == "stopped"


def test_sigterm_lets_what_runs_end_and_the_same_command_goes_on(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOW_SECONDS", "0.5")
    s = scene(2)
    process = watch(s, None, "--interval", "0.5")
    until(lambda: s.log.with_suffix(".slow").exists(), 60, "a document is being read")
    os.kill(process.pid, signal.SIGTERM)
    code, out, err = finished(process)
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["done"] == len(rows(s)) >= 1
    assert s.query("SELECT count(*) FROM nightdrop_runs WHERE status = 'RUNNING'") == [(0,)]
    (s.folder / "late.txt").write_text(invoice_text(9))
    code, _, err = finished(watch(s, None, "--once"))
    assert code == 0, err
    assert s.executions() == {"INV-00000": 1, "INV-00001": 1, "INV-00009": 1}
    assert rows(s) == ["INV-00000", "INV-00001", "INV-00009"]


@pytest.mark.parametrize("fault", ["result.committed:2", "after.done"])
def test_killed_before_a_message_is_acknowledged(
    scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    s = scene(0)
    with redis_stream(tmp_path) as queue:
        (tmp_path / "sources.toml").write_text(queue.toml)
        monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
        monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
        for number in range(3):
            queue.send(json.dumps({"text": invoice_text(number)}))
        code, _, err = finished(watch(s, fault, "--once", source=queue.url))
        assert code == -signal.SIGKILL, err
        before, done = s.executions(), s.completed()
        assert queue.left() >= 2
        code, _, err = finished(watch(s, None, "--once", source=queue.url))
        assert code == 0, err
        assert queue.left() == 0
    assert not set(s.executions() - before) & done, "a document with a committed result was read again"
    assert rows(s) == [f"INV-{n:05}" for n in range(3)]
    assert s.query("SELECT count(*) FROM nightdrop_runs") == [(3,)]
