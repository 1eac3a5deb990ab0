"""Result rows: the contract's keys, dotted CSV columns, and a file that is whole or not there."""

from __future__ import annotations

import csv
import json
import os
import resource
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nightdrop import FieldResult, RunError, RunMetrics, RunOutput, RunStatus
from nightdrop.errors import StorageFailed, UsageError
from nightdrop.records import FileRef, RunInput
from nightdrop.schemas import Invoice, InvoiceLine
from nightdrop.sinks.row import flat_row, result_row
from nightdrop.sinks.write import check_target, write_rows


def run(**changes: Any) -> RunOutput:
    content = Invoice(invoice_number="A-1", total=Decimal("10.50"), lines=[InvoiceLine(amount=Decimal("10.50"))])
    fields = {"total": FieldResult(value="10.50", confidence=0.7), "lines.0.amount": FieldResult(value="10.50")}
    given: dict[str, Any] = {
        "run_id": "r1",
        "session_id": "s1",
        "status": RunStatus.COMPLETED,
        "agent_id": "invoices",
        "batch_id": "older",
        "input": RunInput(message="m", files=(FileRef(sha256="ab" * 32, source="as stored.pdf"),)),
        "content": content,
        "fields": fields,
    }
    return RunOutput(**{**given, **changes})


def test_a_row_has_exactly_the_contracts_keys() -> None:
    row = result_row(run(), "drop/a.pdf", "b1")
    assert list(row) == [
        *("run_id", "status", "file", "sha256", "content", "fields", "error", "cost", "agent_id", "batch_id")
    ]
    assert (row["file"], row["batch_id"], row["status"], row["cost"]) == ("drop/a.pdf", "b1", "COMPLETED", "0")
    assert row["content"]["total"] == "10.50"
    assert row["fields"]["total"] == FieldResult(value="10.50", confidence=0.7).to_json()
    assert json.loads(json.dumps(row)) == row


def test_parquet_has_every_row_with_content_as_json(tmp_path: Path) -> None:
    from pyarrow.parquet import read_table

    path = tmp_path / "out.parquet"
    check_target(path)
    failed = run(status=RunStatus.ERROR, content=None, fields={}, error=RunError(code="file_empty", message="x"))
    rows = [result_row(run(), f"{n}.pdf", "b") for n in range(2500)] + [result_row(failed, "bad.pdf", "b")]
    assert write_rows(path, rows) == 2501
    found = read_table(path).to_pylist()
    assert [row["file"] for row in found] == [row["file"] for row in rows]
    assert json.loads(found[0]["content"]) == rows[0]["content"]
    assert json.loads(found[0]["fields"]) == rows[0]["fields"]
    assert (found[-1]["content"], json.loads(found[-1]["error"])["code"]) == (None, "file_empty")
    assert [p.name for p in tmp_path.iterdir()] == ["out.parquet"]


def test_parquet_that_breaks_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    path.write_bytes(b"old")

    def broken() -> Iterator[dict[str, Any]]:
        yield result_row(run(), "a.pdf", "b")
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        write_rows(path, broken())
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.parquet"]


def test_a_failed_row_has_its_error_and_an_unknown_price_is_null() -> None:
    failed = run(
        status=RunStatus.ERROR,
        content=None,
        fields={},
        error=RunError(code="file_empty", message="a.pdf has no bytes"),
        metrics=RunMetrics(cost=None, cost_source="unknown"),
        input=RunInput(message="m", files=(FileRef(sha256=None, source="a.pdf"),)),
    )
    row = result_row(failed, "a.pdf", "b1")
    assert (row["sha256"], row["content"], row["cost"]) == (None, None, None)
    assert row["error"] == {"code": "file_empty", "message": "a.pdf has no bytes"}
    assert flat_row(row)["error"] == "file_empty: a.pdf has no bytes"


def test_a_flat_row_has_dotted_columns() -> None:
    flat = flat_row(result_row(run(), "a.pdf", "b1"))
    assert flat["content.lines.0.amount"] == "10.50"
    assert flat["content.due_date"] is None
    assert flat["confidence.total"] == 0.7
    assert flat["confidence.lines.0.amount"] is None
    assert "content" not in flat


@pytest.mark.parametrize(("content", "expected"), [("text", {"content": "text"}), (None, {}), ([1], {"content.0": 1})])
def test_content_of_any_shape_is_flattened(content: Any, expected: dict[str, Any]) -> None:
    flat = flat_row(result_row(run(content=content, fields={}), "a.pdf", "b1"))
    assert {k: v for k, v in flat.items() if k.startswith("content")} == expected


def test_csv_columns_are_those_of_all_rows_and_survive_any_text(tmp_path: Path) -> None:
    odd = 'a "quoted", name;\nwith 🧾 and a\ttab.pdf'
    long = run(content=Invoice(lines=[InvoiceLine(description="x"), InvoiceLine(description=odd)]), fields={})
    rows = [result_row(run(), "a.pdf", "b"), result_row(long, odd, "b")]
    assert write_rows(tmp_path / "out.csv", rows) == 2
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert first["content.lines.1.description"] == ""
    assert second["content.lines.1.description"] == second["file"] == odd
    columns = list(first)
    assert columns[-2:] == ["confidence.total", "confidence.lines.0.amount"]
    assert columns[:8] == ["run_id", "status", "file", "sha256", "agent_id", "batch_id", "cost", "error"]


def test_a_cell_cannot_become_a_formula_of_another_meaning(tmp_path: Path) -> None:
    """Text is written as it stands: the file is data, and reading it back gives the same text."""
    write_rows(tmp_path / "out.csv", [result_row(run(content={"a": "=1+1"}, fields={}), "a", "b")])
    with (tmp_path / "out.csv").open(newline="") as stream:
        assert next(csv.DictReader(stream))["content.a"] == "=1+1"


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "OUT.CSV"])
def test_no_rows_is_a_file_all_the_same(tmp_path: Path, name: str) -> None:
    assert write_rows(tmp_path / name, []) == 0
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("yesterday's")

    def rows() -> Iterator[dict[str, Any]]:
        yield result_row(run(), "a.pdf", "b")
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        write_rows(path, rows())
    assert path.read_text() == "yesterday's"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_an_error_of_ours_and_leaves_nothing(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(StorageFailed, match=r"cannot be written to .*out\.jsonl"):
            write_rows(tmp_path / "out.jsonl", (result_row(run(), "a.pdf", "b") for _ in range(1000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("out.xlsx", "must end in"),
        ("out", "must end in"),
        ("folder.jsonl", "is a folder"),
        ("none/out.csv", "there is no folder"),
        ("x" * 250 + ".csv", "cannot be written"),
        ("a\0.csv", "cannot be written"),
    ],
)
def test_a_target_that_could_not_be_written_is_refused_before_any_work(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(UsageError, match=why):
        check_target(tmp_path / name)
    assert os.listdir(tmp_path) == ["folder.jsonl"]


def test_a_folder_that_takes_no_files_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        check_target(Path("/proc/out.jsonl"))


def test_a_good_target_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("old")
    check_target(tmp_path / "out.csv")
    check_target(tmp_path / "new.JSONL")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("out.csv", "old")]


def test_what_a_person_is_asked_about_is_no_result_yet() -> None:
    """A reader of rows who does not look at the status must not take it for one."""
    row = result_row(run(status=RunStatus.PAUSED), "a.pdf", "b")
    assert (row["status"], row["content"], row["fields"]["total"]["value"]) == ("PAUSED", None, "10.50")
