"""Sinks: every result is put outside once for each document, whatever fails in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightdrop import Agent, File
from nightdrop.errors import DeliveryNotFound, SinkExists, SinkNotFound, UsageError
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from tests.fundamentals.conftest import document
from tests.fundamentals.sink_places import Place, deliver


def test_every_result_is_put_once_failed_ones_too(
    db: Database, agent: Agent, outside: Place, sink_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SINK", outside.url)
    db.sinks.create(sink_name, "env:TEST_SINK", subject_id=agent.id)
    other = Agent(id=f"{agent.id}-other", model="local", output_schema=Invoice, db=db)
    agent.batch([*[document(n) for n in range(5)], File(content=b"", filename="empty.txt", id="empty")]).wait(60)
    other.run(files=[document(9)], session_id="x")
    agent.run(files=[document(7)], session_id="s")
    assert next(s for s in db.sinks.list() if s.name == sink_name).pending == 7
    deliver(db)
    deliver(db)
    rows = outside.rows()
    good = [row for row in rows if row["status"] == "COMPLETED"]
    assert [row["status"] for row in rows if row not in good] == ["ERROR"]
    assert {row["content"]["invoice_number"] for row in good} == {f"INV-{n:05}" for n in (0, 1, 2, 3, 4, 7)}
    assert {(row["status"], row["version"], row["agent_id"]) for row in rows} == {
        ("COMPLETED", 1, agent.id),
        ("ERROR", 1, agent.id),
    }
    assert [d.state for d in db.sinks.deliveries(sink_name)] == ["delivered"] * 7


def test_a_later_result_of_a_document_is_an_amendment(
    db: Database, agent: Agent, outside: Place, sink_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SINK", outside.url)
    db.sinks.create(sink_name, "env:TEST_SINK", subject_id=agent.id)
    agent.run(files=[document(1)], session_id="one")
    deliver(db)
    second = agent.run("Another message.", files=[document(1)], session_id="one")
    deliver(db)
    (row,) = outside.rows()
    assert (row["run_id"], row["version"]) == (second.run_id, 2)
    with db.write() as connection:  # what a person corrects
        changed = json.dumps({"invoice_number": "corrected"})
        connection.exec_driver_sql(f"UPDATE nightdrop_runs SET content = '{changed}' WHERE run_id = '{second.run_id}'")
    deliver(db)
    (row,) = outside.rows()
    assert (row["content"], row["version"]) == ({"invoice_number": "corrected"}, 3)


def test_a_sink_that_is_down_for_an_hour_gets_everything(
    db: Database, agent: Agent, tmp_path: Path, sink_name: str
) -> None:
    blocked = tmp_path / "results"
    blocked.write_text("a file where the folder should be")
    db.sinks.create(sink_name, str(blocked), subject_id=agent.id)
    agent.batch([document(n) for n in range(20, 23)]).wait(60)
    for minute in range(0, 60, 5):
        deliver(db, minute * 60_000)
    sink = next(s for s in db.sinks.list() if s.name == sink_name)
    assert (sink.pending, "results" in (sink.error or "")) == (3, True)
    blocked.unlink()
    deliver(db, 3_900_000)
    assert len(list(blocked.glob("*.json"))) == 3
    assert next(s for s in db.sinks.list() if s.name == sink_name).pending == 0


def test_a_result_that_a_sink_refuses_hurts_only_itself(
    db: Database, agent: Agent, outside: Place, sink_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SINK", outside.url)
    db.sinks.create(sink_name, "env:TEST_SINK", subject_id=agent.id)
    agent.run(files=[document(40)], session_id="40")
    deliver(db)
    (row,) = outside.rows()
    allow = outside.refuse(row["document"])
    second = agent.run("Another message.", files=[document(40)], session_id="40")
    agent.batch([document(n) for n in range(41, 46)]).wait(60)
    deliver(db)
    (waiting,) = (d for d in db.sinks.deliveries(sink_name) if d.state == "pending")
    assert (waiting.run_id, waiting.attempts) == (second.run_id, 1)
    assert len({r["document"] for r in outside.rows()} - {row["document"]}) == 5
    for n in range(46, 53):  # with other results, since alone nobody could tell who is to blame
        agent.run(files=[document(n)], session_id=str(n))
        deliver(db, 24 * 3_600_000 * (n - 45))
    (dead,) = db.sinks.deliveries(sink_name, state="dead")
    assert (dead.run_id, dead.attempts) == (second.run_id, 8)
    assert next(s for s in db.sinks.list() if s.name == sink_name).dead == 1
    allow()
    assert db.sinks.retry(sink_name, run_id=second.run_id) == 1
    deliver(db)
    assert {d.state for d in db.sinks.deliveries(sink_name)} == {"delivered"}
    assert second.run_id in {row["run_id"] for row in outside.rows()}
    with pytest.raises(DeliveryNotFound):
        db.sinks.retry(sink_name, run_id=second.run_id)


def test_a_sink_that_is_down_costs_no_result_an_attempt_and_is_left_alone(
    db: Database, agent: Agent, tmp_path: Path, sink_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SINK", "postgresql+psycopg://nobody@127.0.0.1:1/none")  # nobody listens there
    db.sinks.create(sink_name, "env:TEST_SINK", subject_id=agent.id)
    agent.batch([document(n) for n in range(60, 63)]).wait(60)
    deliver(db)
    sink = next(s for s in db.sinks.list() if s.name == sink_name)
    assert sink.next_attempt_at is not None
    assert (sink.pending, {d.attempts for d in db.sinks.deliveries(sink_name)}) == (3, {0})
    monkeypatch.setenv("TEST_SINK", str(tmp_path / "results"))
    deliver(db)
    assert not (tmp_path / "results").exists()  # it is left alone for a second
    deliver(db, 10_000)
    assert len(list((tmp_path / "results").glob("*.json"))) == 3
    assert next(s for s in db.sinks.list() if s.name == sink_name).next_attempt_at is None


@pytest.mark.parametrize("kind", ["folder", "table"])
def test_a_sink_that_is_full_gets_the_rest_once_there_is_room(
    db: Database, agent: Agent, tmp_path: Path, sink_name: str, small_disk: Path, kind: str
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(216 * 1024))  # of 256 KB
    outside = Place(kind, small_disk)
    db.sinks.create(sink_name, outside.url, subject_id=agent.id)
    agent.batch([document(n) for n in range(100, 120)]).wait(60)
    deliver(db)
    sink = next(s for s in db.sinks.list() if s.name == sink_name)
    assert sink.next_attempt_at is not None
    assert {d.attempts for d in db.sinks.deliveries(sink_name)} == {0}
    assert 0 < sink.pending < 20 if kind == "folder" else sink.pending > 0
    assert list(small_disk.rglob("*.part")) == []
    ballast.unlink()
    deliver(db, 10_000)
    assert len({row["document"] for row in outside.rows()}) == len(outside.rows()) == 20
    assert next(s for s in db.sinks.list() if s.name == sink_name).pending == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("only root on Linux can mount a disk of 256 KB")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"this container may not mount: {made.stderr!r}")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_retry_does_not_wait(db: Database, agent: Agent, tmp_path: Path, sink_name: str) -> None:
    blocked = tmp_path / "results"
    blocked.write_text("")
    db.sinks.create(sink_name, str(blocked), subject_id=agent.id)
    agent.run(files=[document(30)], session_id="s")
    for _ in range(3):
        deliver(db, 600_000)
    blocked.unlink()
    deliver(db)
    assert not blocked.exists()
    assert db.sinks.retry(sink_name) == 1
    deliver(db)
    assert len(list(blocked.glob("*.json"))) == 1


def test_wrong_calls_are_said(db: Database, sink_name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="env:NAME") as caught:
        db.sinks.create("x", "postgresql://me:pw-1234@host/db")
    assert "pw-1234" not in str(caught.value)
    with pytest.raises(SinkNotFound):
        db.sinks.delete("never-made")
    db.sinks.create(sink_name, str(tmp_path))
    with pytest.raises(SinkExists):
        db.sinks.create(sink_name, str(tmp_path))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("gopher://host/results", "gopher:// is no place for results"),
        ("zip://results::a.zip", "zip:// is no place for results"),
        ("results.xlsx", r"ends in \.jsonl, \.csv or \.parquet"),
        ("s3://results/all.json", r"ends in \.jsonl, \.csv or \.parquet"),
    ],
)
def test_what_could_never_be_put_is_refused_when_the_sink_is_made(db: Database, url: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        db.sinks.create("never", url)
    assert "never" not in [sink.name for sink in db.sinks.list()]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("out", "{here}/out"),
        ("out/*.csv", "{here}/out/*.csv"),
        ("all.jsonl", "{here}/all.jsonl"),
        ("results.xml/", "{here}/results.xml"),
        ("sqlite:///all.db?timeout=5", "sqlite:///{here}/all.db?timeout=5"),
        ("sqlite:////srv/all.db", "sqlite:////srv/all.db"),
        ("file:///srv/out", "file:///srv/out"),
    ],
)
def test_a_place_here_is_the_same_for_processes_in_other_folders(
    db: Database, sink_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, kept: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = db.sinks.create(sink_name, given)
    assert made.url == kept.format(here=tmp_path)
