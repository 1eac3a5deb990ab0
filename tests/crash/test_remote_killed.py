"""kill -9 of a process whose schedule takes documents from a server: each is read once, and put away once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import invoice_text
from tests.crash.test_schedules_killed import Start, due, fires, processes  # noqa: F401 - a fixture
from tests.crash.test_takeover import until
from tests.sources.drop import Drop
from tests.sources.servers import SERVERS

CASES = [
    *((kind, fault) for kind in ("s3", "sftp") for fault in ("accept.committed", "result.committed", "after.done:2")),
    *((kind, "after.copied") for kind in ("azure", "s3")),  # a server that renames copies nothing
]


@pytest.fixture
def drop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drop]:
    with SERVERS[request.param](tmp_path) as made:
        (tmp_path / "sources.toml").write_text(made.toml())
        monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
        monkeypatch.setenv("DROP_PASSWORD", made.secret)
        yield made


@pytest.mark.parametrize(("drop", "fault"), CASES, indirect=["drop"])
def test_killed_at_a_fault_point(scene: Any, processes: Start, drop: Drop, fault: str) -> None:  # noqa: F811
    count = 1 if fault == "result.committed" else 5  # others that were being read would be tried alone, one by one
    s = scene(count)
    for number in range(count):
        drop.write(f"{number}.txt", invoice_text(number).encode())
    due(s, after="move:done/", files=drop.url, settle_seconds=0)
    killed = processes(s, fault)
    until(lambda: killed.poll() is not None, 60, f"it is killed at {fault}")
    assert killed.returncode == -signal.SIGKILL
    done = {name.removeprefix("done/").removesuffix(".txt") for name in drop.names() if name.startswith("done/")}
    assert {f"INV-{int(number):05}" for number in done} <= s.completed()  # nothing is put away before its commit
    processes(s)
    until(lambda: fires(s) == ["success"], 60, "the fire is closed")
    until(lambda: drop.names() == {f"done/{n}.txt" for n in range(count)}, 60, "the files are put away")
    assert s.completed() == {f"INV-{n:05}" for n in range(count)}
    assert s.query("SELECT count(*) FROM nightdrop_runs")[0][0] == count
