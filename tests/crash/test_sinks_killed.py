"""kill -9 around putting results outside: as many rows in the sink as documents, each once."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nightdrop.store.place import database_at
from tests.crash.conftest import Scene
from tests.crash.test_schedules_killed import Start, due, fires, processes  # noqa: F401 - a fixture
from tests.crash.test_takeover import until
from tests.sources.drop import Drop
from tests.sources.serve import PASSWORD
from tests.sources.servers import s3


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drop]:
    with s3(tmp_path) as made:
        (tmp_path / "sources.toml").write_text(made.toml())
        monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
        monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
        yield made


def sink_of(s: Scene, url: str) -> None:
    db = database_at(s.place)
    db.sinks.create("results", url)
    db.close()


def states(s: Scene) -> list[str]:
    return [row[0] for row in s.query("SELECT state FROM nightdrop_sink_deliveries")]


def in_table(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT content, version FROM nightdrop_results").fetchall()


@pytest.mark.parametrize("fault", ["result.committed", "sink.claimed", "sink.put"])
def test_killed_between_result_and_sink(scene: Any, processes: Start, tmp_path: Path, fault: str) -> None:  # noqa: F811
    s = scene(5)
    sink_of(s, f"sqlite:///{tmp_path}/outside.db")
    due(s)
    killed = processes(s, fault)
    until(lambda: killed.poll() is not None, 60, f"it is killed at {fault}")
    assert killed.returncode == -signal.SIGKILL
    db = database_at(s.place)
    db.sinks.retry("results")  # as if the lease of what the dead one had claimed were over
    db.close()
    processes(s)
    until(lambda: fires(s) == ["success"], 60, "the fire is closed")
    until(lambda: states(s) == ["delivered"] * 5, 60, "all is put")
    rows = in_table(tmp_path / "outside.db")
    assert {json.loads(content)["invoice_number"] for content, _ in rows} == {f"INV-{n:05}" for n in range(5)}
    assert [version for _, version in rows] == [1] * 5


def test_killed_between_a_bucket_and_the_rows(scene: Any, processes: Start, bucket: Drop) -> None:  # noqa: F811
    s = scene(3)
    sink_of(s, "s3://drop/in/results")
    due(s)
    killed = processes(s, "sink.put")
    until(lambda: killed.poll() is not None, 60, "it is killed")
    before = bucket.names()
    assert before
    db = database_at(s.place)
    db.sinks.retry("results")
    db.close()
    processes(s)
    until(lambda: states(s) == ["delivered"] * 3, 60, "all is put")
    assert len(bucket.names()) == 3
    assert before <= bucket.names()
