"""kill -9 around putting results outside: as many rows in the sink as documents, each once."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop.store.place import database_at
from tests.crash.conftest import Scene, Table
from tests.crash.test_schedules_killed import Start, due, fires, processes  # noqa: F401 - a fixture
from tests.crash.test_takeover import until
from tests.fundamentals.sink_places import let_in
from tests.site import site
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


def sink_of(s: Scene, url: str, name: str = "results") -> None:
    db = database_at(s.place)
    db.sinks.create(name, url)
    db.close()


def states(s: Scene) -> list[str]:
    return [row[0] for row in s.query("SELECT state FROM nightdrop_sink_deliveries")]


@pytest.mark.parametrize("fault", ["result.committed", "sink.claimed", "sink.put"])
def test_killed_between_result_and_sink(
    scene: Any,
    processes: Start,  # noqa: F811
    table: Table,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    s = scene(5)
    monkeypatch.setenv("OUTSIDE", table.url)
    sink_of(s, "env:OUTSIDE")
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
    rows = table.rows("content, version")
    assert {json.loads(content)["invoice_number"] for content, _ in rows} == {f"INV-{n:05}" for n in range(5)}
    assert [version for _, version in rows] == [1] * 5


def test_killed_between_sinks_of_other_kinds_and_the_rows(
    scene: Any,
    processes: Start,  # noqa: F811
    bucket: Drop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s = scene(3)
    with site() as web:
        settings = tmp_path / "sources.toml"
        settings.write_text(settings.read_text() + f'["{web.url}"]\nsecret = "a secret of sixteen letters"\n')
        monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "127.0.0.1")
        folder = tmp_path / "results"
        for name, url in {"bucket": "s3://drop/in/results", "http": f"{web.url}/in", "folder": str(folder)}.items():
            sink_of(s, url, name)
        due(s)
        killed = processes(s, "sink.put:2")  # one sink has something that its rows do not know of, maybe two
        until(lambda: killed.poll() is not None, 60, "it is killed")
        before = bucket.names()
        db = database_at(s.place)
        db.sinks.retry()
        db.close()
        processes(s)
        until(lambda: states(s) == ["delivered"] * 9, 60, "all is put")
        told = {(headers["Idempotency-Key"], body) for _, _, headers, body in web.asked}
        assert {json.loads(body)["content"]["invoice_number"] for _, body in told} == {
            "INV-00000",
            "INV-00001",
            "INV-00002",
        }
        assert len(told) == 3  # however often each was sent
    assert before <= bucket.names()
    assert len(bucket.names()) == len(list(folder.glob("*.json"))) == 3
    assert {json.loads(path.read_text())["version"] for path in folder.glob("*.json")} == {1}


@pytest.mark.parametrize("fault", ["sink.put", None])
def test_killed_between_a_receiver_and_the_rows(
    scene: Any,
    processes: Start,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str | None,
) -> None:
    """None: the receiver itself kills, when it has taken two results and answered for one at the most."""
    s = scene(4)
    started: list[int] = []

    def pull_the_plug(_body: bytes) -> None:
        if len(web.asked) > 1 and started:
            os.kill(started.pop(), signal.SIGKILL)

    with site() as web:
        sink_of(s, let_in(web, tmp_path, monkeypatch))
        due(s)
        if fault is None:
            web.decide = pull_the_plug
        killed = processes(s, fault)
        started.append(killed.pid)
        until(lambda: killed.poll() is not None, 60, "it is killed")
        assert killed.returncode == -signal.SIGKILL
        assert web.asked, "nothing was there at the kill"
        db = database_at(s.place)
        db.sinks.retry()
        db.close()
        processes(s)
        until(lambda: states(s) == ["delivered"] * 4, 60, "all is put")
        kept = {headers["Idempotency-Key"]: body for _, _, headers, body in web.asked}
        assert len({(headers["Idempotency-Key"], body) for _, _, headers, body in web.asked}) == len(kept) == 4
        assert len(web.asked) > 4, "what the rows did not know of is sent again"
    assert {json.loads(body)["content"]["invoice_number"] for body in kept.values()} == {
        f"INV-{n:05}" for n in range(4)
    }
