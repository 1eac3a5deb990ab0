"""kill -9 while a file of a sink is written: a row for each document, once, and nothing half written stays."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from nightdrop.store.place import database_at
from tests.crash.conftest import Scene
from tests.crash.test_schedules_killed import Start, due, processes  # noqa: F401 - a fixture
from tests.crash.test_sinks_killed import sink_of, states
from tests.crash.test_takeover import until
from tests.fundamentals.test_sinks_in_files import READERS, rows_in
from tests.sources.serve import PASSWORD
from tests.sources.servers import SERVERS


def killed_at(s: Scene, processes: Start, fault: str) -> None:  # noqa: F811
    """A process that fires, reads and puts, until it comes by the fault point; what it held is then free."""
    process = processes(s, fault)
    until(lambda: process.poll() is not None, 60, f"it is killed at {fault}")
    assert process.returncode == -signal.SIGKILL
    freed(s)


def freed(s: Scene) -> None:
    """As if the lease of what a dead process had claimed were over."""
    db = database_at(s.place)
    db.sinks.retry()
    db.close()


def assert_each_once(s: Scene, rows: list[dict[str, Any]]) -> None:
    assert sorted(row["number"] for row in rows) == [f"INV-{n:05}" for n in range(s.count)]
    assert {str(row["version"]) for row in rows} == {"1"}


@pytest.mark.parametrize(
    ("name", "ending", "fault"),
    [
        *(("results", ending, "sink.written") for ending in READERS),
        *(("*", ending, "sink.written:3") for ending in READERS),  # two have their names, the third has not
        ("results", "jsonl", "sink.put"),
        ("*", "csv", "sink.put"),
    ],
)
def test_killed_while_a_file_is_put(
    scene: Any,
    processes: Start,  # noqa: F811
    tmp_path: Path,
    name: str,
    ending: str,
    fault: str,
) -> None:
    s, out = scene(4), tmp_path / "out"
    sink_of(s, f"{out}/{name}.{ending}")
    due(s)
    killed_at(s, processes, fault)
    assert any(path.name.endswith(".part") for path in out.iterdir()) == fault.startswith("sink.written")
    processes(s)
    until(lambda: states(s) == ["delivered"] * 4, 60, "all is put")
    assert_each_once(s, rows_in(out, ending))
    assert len(list(out.iterdir())) == (1 if name == "results" else 4), "something else was left there"


@pytest.mark.parametrize("server", ["sftp", "ftp", "webdav"])
def test_killed_while_a_file_is_put_on_a_server(
    scene: Any,
    processes: Start,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
) -> None:
    s = scene(3)
    with SERVERS[server](tmp_path) as drop:
        (tmp_path / "sources.toml").write_text(drop.toml())
        monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
        monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
        sink_of(s, f"{drop.url}/*.jsonl")
        due(s)
        killed_at(s, processes, "sink.written")
        assert any(name.endswith(".part") for name in drop.names())
        processes(s)
        until(lambda: states(s) == ["delivered"] * 3, 60, "all is put")
        assert len(drop.names()) == 3, "something else was left there"
    assert_each_once(s, rows_in(tmp_path / "served" / "in", "jsonl"))
