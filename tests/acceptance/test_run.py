"""`nightdrop run` over every kind of source, with and without code, in real processes."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import (
    BATCH_KEYS,
    ROW_KEYS,
    Ended,
    Shop,
    called,
    open_shop,
    read_csv,
    read_jsonl,
    together,
)

CALLS: dict[str, list[str]] = {
    "folder": ["drop", "--agent", "app.py:agent", "--db", "folder.db", "--out", "folder.jsonl", "--json"],
    "glob": ["drop/*-[12].txt", "--db", "glob.db", "--out", "glob.csv", "--message", "Read it."],
    "single": ["drop/invoice-3.txt", "--schema", "number.json", "--db", "single.db", "--out", "single.jsonl", "-q"],
    "jsonl": ["list.jsonl", "--schema", "app:Slip", "--out", "list-jsonl.jsonl", "--concurrency", "2"],
    "csv": ["list.csv", "--agent", "app.py:stored", "--out", "list-csv.jsonl"],
    "txt": ["list.txt", "--model", "local", "--schema", "invoice", "--db", "txt.db", "--limit", "1", "--json"],
}


@pytest.fixture(scope="module")
def ended(shop: Shop) -> dict[str, Ended]:
    """All the calls above, run side by side, three at a time."""
    names = list(CALLS)
    found: dict[str, Ended] = {}
    for some in (names[:3], names[3:]):
        calls = [["run", *CALLS[name]] for name in some]
        found |= dict(zip(some, together(*calls, cwd=shop.root, env={"NIGHTDROP_DB": "env.db"}), strict=True))
    return found


def numbers(rows: list[dict[str, Any]]) -> list[str]:
    return [row["content"]["invoice_number"] for row in rows]


@pytest.mark.parametrize("name", list(CALLS))
def test_all_done_is_exit_code_0(ended: dict[str, Ended], name: str) -> None:
    assert ended[name].code == 0, ended[name].err
    assert "Traceback" not in ended[name].err


def test_a_folder_with_an_agent_of_a_file(shop: Shop, ended: dict[str, Ended]) -> None:
    rows = read_jsonl(shop.root / "folder.jsonl")
    assert numbers(rows) == [f"INV-{n:05}" for n in range(4)]
    for row, path in zip(rows, shop.paths(), strict=True):
        assert set(row) == ROW_KEYS
        assert (row["status"], row["file"], row["error"]) == ("COMPLETED", f"drop/{path.name}", None)
        assert (row["agent_id"], row["cost"], len(row["sha256"])) == ("slips", "0", 64)
        assert row["fields"]["total"]["value"] == row["content"]["total"]
    batch = ended["folder"].json
    assert set(batch) >= BATCH_KEYS
    assert {row["batch_id"] for row in rows} == {batch["id"]}
    assert (batch["status"], batch["total"], batch["done"], batch["failed"]) == ("COMPLETED", 4, 4, 0)


def test_json_leaves_stdout_to_the_json_and_stderr_empty(ended: dict[str, Ended]) -> None:
    assert ended["folder"].out.count("\n") == 1
    assert ended["folder"].err == ""


def test_a_glob_into_csv_with_dotted_columns(shop: Shop, ended: dict[str, Ended]) -> None:
    rows = read_csv(shop.root / "glob.csv")
    assert [row["content.invoice_number"] for row in rows] == ["INV-00001", "INV-00002"]
    assert [row["content.total"] for row in rows] == ["101.00", "102.00"]
    columns = list(rows[0])
    assert columns[:8] == ["run_id", "status", "file", "sha256", "agent_id", "batch_id", "cost", "error"]
    assert 0 < float(rows[0]["confidence.total"]) <= 0.85
    assert [row["error"] for row in rows] == ["", ""]
    assert "2 documents: 2 completed, 0 failed, 0 skipped" in ended["glob"].out
    assert "Results: glob.csv" in ended["glob"].out


def test_without_a_terminal_progress_is_plain_lines_on_stderr(ended: dict[str, Ended]) -> None:
    assert ended["glob"].err.splitlines()[-1].startswith("2/2 documents: 2 done, 0 failed, 0 skipped, $0.0000")
    assert "\x1b" not in ended["glob"].err + ended["glob"].out


def test_the_message_is_part_of_the_run(shop: Shop, ended: dict[str, Ended]) -> None:
    (run, *_) = json.loads(called("runs", "list", "--db", shop.root / "glob.db", "--json").output)["items"]
    assert run["input"]["message"] == "Read it."


def test_a_single_file_with_a_json_schema(shop: Shop, ended: dict[str, Ended]) -> None:
    (row,) = read_jsonl(shop.root / "single.jsonl")
    assert row["content"] == {"invoice_number": "INV-00003"}
    assert row["agent_id"] == "local-number"
    assert ended["single"].err == ""


def test_a_jsonl_manifest_of_objects_and_strings_with_a_class(shop: Shop, ended: dict[str, Ended]) -> None:
    rows = read_jsonl(shop.root / "list-jsonl.jsonl")
    assert numbers(rows) == ["INV-00000", "INV-00001"]
    assert [row["file"] for row in rows] == [str(shop.paths()[0]), f"drop/{shop.paths()[1].name}"]
    assert set(rows[0]["content"]) == {"invoice_number", "total"}


def test_a_csv_manifest_by_its_path_column(shop: Shop, ended: dict[str, Ended]) -> None:
    assert numbers(read_jsonl(shop.root / "list-csv.jsonl")) == ["INV-00000", "INV-00002"]


def test_a_text_manifest_with_a_limit(ended: dict[str, Ended]) -> None:
    assert ended["txt"].json["total"] == 1


def test_the_database_is_the_option_else_the_agents_else_the_environments(shop: Shop, ended: dict[str, Ended]) -> None:
    def agents(name: str) -> set[str]:
        connection = sqlite3.connect(shop.root / name)
        try:
            return {row[0] for row in connection.execute("SELECT subject_id FROM nightdrop_runs")}
        finally:
            connection.close()

    assert agents("folder.db") == {"slips"}
    assert agents("app.db") == {"stored-slips"}
    assert agents("env.db") == {"local-slip"}
    assert not (shop.root / "nightdrop.db").exists()


def test_nothing_is_left_beside_the_results(shop: Shop, ended: dict[str, Ended]) -> None:
    assert [p.name for p in shop.root.iterdir() if p.name.startswith(".") or p.suffix in (".part", ".rows")] == []


def test_some_failed_is_exit_code_1_and_the_rows_say_why(tmp_path: Path) -> None:
    shop = open_shop(tmp_path, 3)
    (shop.drop / "bad.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    (shop.drop / "empty.txt").write_bytes(b"")
    (first,) = together(["run", "drop", "--out", "out.csv"], cwd=tmp_path)
    assert first.code == 1
    assert "5 documents: 3 completed, 2 failed, 0 skipped" in first.out
    assert "nightdrop batches show " in first.out
    rows = {row["file"]: row for row in read_csv(tmp_path / "out.csv")}
    assert rows["drop/bad.pdf"]["error"].startswith("pdf_corrupt: ")
    assert rows["drop/empty.txt"]["error"].startswith("file_empty: ")
    assert (rows["drop/bad.pdf"]["status"], rows["drop/empty.txt"]["sha256"]) == ("ERROR", "")
    again, other = together(
        ["run", "drop", "--out", "again.csv", "--json"],
        ["run", "drop/invoice-*", "--out", "other.jsonl", "--json"],
        cwd=tmp_path,
    )
    assert (again.code, again.json["skipped"], again.json["failed"], again.json["done"]) == (1, 3, 2, 5)
    assert (other.code, other.json["skipped"], other.json["total"]) == (0, 3, 3)
    known = {row["file"]: row["run_id"] for row in read_csv(tmp_path / "again.csv")}
    assert known == {file: row["run_id"] for file, row in rows.items()}
    assert [row["run_id"] for row in read_jsonl(tmp_path / "other.jsonl")] == [
        known[f"drop/invoice-{n}.txt"] for n in range(3)
    ]


def test_a_bad_call_is_exit_code_2_in_one_line_and_leaves_nothing(shop: Shop, ended: dict[str, Ended]) -> None:
    before = sorted(p.name for p in shop.root.iterdir())
    missing, no_folder = together(
        ["run", "nothing", "--db", "bad.db"],
        ["run", "drop", "--db", "bad.db", "--out", "no/such/folder.jsonl"],
        cwd=shop.root,
    )
    for one, code in ((missing, "source_not_found"), (no_folder, "bad_argument")):
        assert one.code == 2
        assert one.out == ""
        assert one.err.startswith(f"Error: {code}: ")
        assert one.err.count("\n") == 1
    assert sorted(p.name for p in shop.root.iterdir()) == before
