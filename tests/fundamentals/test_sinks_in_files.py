"""Sinks that are files: one for all results, or one for each document, as JSONL, CSV or Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pyarrow.parquet
import pytest

from nightdrop import Agent, File
from nightdrop.errors import UsageError
from nightdrop.sinks.put import put_rows
from nightdrop.store import Database
from tests.fundamentals.conftest import document
from tests.fundamentals.sink_places import deliver

Read = Callable[[Path], list[dict[str, Any]]]


def jsonl_rows(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{**row, "number": (row["content"] or {}).get("invoice_number")} for row in found]


def csv_rows(path: Path) -> list[dict[str, Any]]:
    found = csv.DictReader(io.StringIO(path.read_text()))
    return [{**row, "number": row.get("content.invoice_number") or None} for row in found]


def parquet_rows(path: Path) -> list[dict[str, Any]]:
    found = pyarrow.parquet.read_table(path).to_pylist()
    return [{**row, "number": (json.loads(row["content"] or "{}")).get("invoice_number")} for row in found]


READERS: dict[str, Read] = {"jsonl": jsonl_rows, "csv": csv_rows, "parquet": parquet_rows}


def rows_in(folder: Path, ending: str) -> list[dict[str, Any]]:
    return [row for path in folder.glob(f"*.{ending}") for row in READERS[ending](path)]


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("name", ["results", "*"])
def test_every_document_has_its_row_and_amendments_replace_it(
    db: Database, agent: Agent, tmp_path: Path, sink_name: str, name: str, ending: str
) -> None:
    folder = tmp_path / "out"
    db.sinks.create(sink_name, f"{folder}/{name}.{ending}", subject_id=agent.id)
    agent.batch([*[document(n) for n in range(4)], File(content=b"", filename="empty.txt", id="empty")]).wait(60)
    first = agent.run(files=[document(7)], session_id="one")
    deliver(db)
    numbers = [f"INV-{n:05}" for n in (0, 1, 2, 3, 7)]
    rows = rows_in(folder, ending)
    assert sorted(str(row["number"]) for row in rows) == sorted([*numbers, "None"])
    assert {str(row["version"]) for row in rows} == {"1"}
    assert len(list(folder.glob(f"*.{ending}"))) == (1 if name == "results" else 6)

    second = agent.run("Another message.", files=[document(7)], session_id="one")
    deliver(db)
    rows = rows_in(folder, ending)
    assert sorted(str(row["number"]) for row in rows) == sorted([*numbers, "None"])
    (amended,) = [row for row in rows if row["number"] == "INV-00007"]
    assert (amended["run_id"], str(amended["version"])) == (second.run_id, "2")
    assert amended["run_id"] != first.run_id
    assert {d.state for d in db.sinks.deliveries(sink_name)} == {"delivered"}


def row_of(number: int, run_id: str = "01") -> dict[str, Any]:
    return {
        "document": f"document-{number}",
        "run_id": run_id,
        "status": "COMPLETED",
        "file": f"{number}.txt",
        "sha256": "0" * 64,
        "content": {"invoice_number": str(number), "note": 'of "two"\nlines; Äpfel'},
        "fields": {"note": {"value": "x", "confidence": 0.5}},
        "error": None,
        "cost": "0.001",
        "agent_id": "a",
        "batch_id": "",
        "workflow_id": None,
        "run_version": 3,
    }


@pytest.mark.parametrize("ending", READERS)
def test_the_same_again_and_an_older_result_change_nothing(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"results.{ending}"
    put_rows(str(path), [row_of(1, "02"), row_of(2, "02")])
    before = path.read_bytes()
    put_rows(str(path), [row_of(1, "02")])
    put_rows(str(path), [row_of(2, "01"), {**row_of(1, "02"), "run_version": 2}])
    assert path.read_bytes() == before


@pytest.mark.parametrize("ending", READERS)
def test_many_at_once_lose_no_row_of_each_other(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"results.{ending}"
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(put_rows, str(path), [row_of(4 * n + k) for k in range(4)]) for n in range(8)]:
            done.result()
    assert {row["number"] for row in READERS[ending](path)} == {str(n) for n in range(32)}
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")] == []


def test_many_results_of_a_document_at_once_leave_the_latest(tmp_path: Path) -> None:
    together = Barrier(8)

    def put(folder: str, run_id: str) -> None:
        together.wait(20)
        put_rows(f"{folder}/*.jsonl", [row_of(1, run_id)])

    with ThreadPoolExecutor(8) as threads:
        for folder in map(str, range(20)):
            for done in [threads.submit(put, f"{tmp_path}/{folder}", f"{n:02}") for n in range(8)]:
                done.result()
    latest = [[row["run_id"] for row in jsonl_rows(path)] for path in tmp_path.rglob("*") if path.is_file()]
    assert latest == [["07"]] * 20


@pytest.mark.parametrize("ending", READERS)
def test_another_programs_file_is_left_as_it_is(
    db: Database, agent: Agent, tmp_path: Path, sink_name: str, ending: str
) -> None:
    path = tmp_path / f"results.{ending}"
    path.write_text("name,price\nbolt,5\n")
    db.sinks.create(sink_name, str(path), subject_id=agent.id)
    agent.run(files=[document(1)], session_id="one")
    deliver(db)
    assert path.read_text() == "name,price\nbolt,5\n"
    (sink,) = [s for s in db.sinks.list() if s.name == sink_name]
    assert (sink.pending, "is no file of results" in (sink.error or "")) == (1, True)
    path.unlink()
    deliver(db, 60_000)
    assert [row["number"] for row in READERS[ending](path)] == ["INV-00001"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://drop/2026/results.csv", r"s3://drop/2026/\*\.csv"),
        ("sftp://host/results.parquet", r"sftp://host/\*\.parquet"),
        ("results/*.xml", r"\.parquet"),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(sqlite_db: Database, url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        sqlite_db.sinks.create("sheet", url)
