"""Looking at what happened: runs, batches and doctor, on a database that a real process filled."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, File, SqliteDb
from nightdrop.schemas import Invoice
from tests.acceptance.conftest import BATCH_KEYS, Shop, called, open_shop, together
from tests.conftest import invoice_text

RUN_KEYS = {
    *("run_id", "session_id", "agent_id", "workflow_id", "batch_id", "schedule_run_id", "status", "content", "fields"),
    *("metrics", "error", "attempts", "created_at", "started_at", "completed_at", "input"),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Two batches: four good documents, then the same with a bad one."""
    shop = open_shop(tmp_path_factory.mktemp("filled"))
    (first,) = together(["run", "drop", "--json"], cwd=shop.root)
    (shop.drop / "a rather long name of a file that is damaged, as mail programs make them.pdf").write_bytes(b"%PDF-")
    (second,) = together(["run", "drop", "--json"], cwd=shop.root)
    assert (first.code, second.code) == (0, 1)
    return shop


@pytest.fixture
def inside(filled: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(filled.root)
    return filled


def listed(*args: str) -> Any:
    result = called(*args, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


@pytest.mark.usefixtures("inside")
def test_runs_list_json_is_newest_first_in_the_contracts_shape() -> None:
    page = listed("runs", "list")
    assert set(page) == {"items", "next_cursor"}
    assert page["next_cursor"] is None
    ids = [run["run_id"] for run in page["items"]]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)
    assert all(set(run) >= RUN_KEYS for run in page["items"])
    assert page["items"][0]["error"]["code"] == "pdf_corrupt"


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("noun", ["runs", "batches"])
def test_pages_follow_the_cursor_without_gap_or_repeat(noun: str) -> None:
    key = "run_id" if noun == "runs" else "id"
    everything = [item[key] for item in listed(noun, "list")["items"]]
    collected, cursor = [], None
    for _ in range(len(everything)):
        page = listed(noun, "list", "--limit", "1", *(["--cursor", cursor] if cursor else []))
        collected += [item[key] for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert collected == everything


@pytest.mark.usefixtures("inside")
def test_runs_are_found_by_status_agent_and_batch() -> None:
    newest = listed("batches", "list")["items"][0]["id"]
    assert len(listed("runs", "list", "--status", "error")["items"]) == 1
    assert len(listed("runs", "list", "--status", "COMPLETED", "--agent", "local-invoice")["items"]) == 4
    assert listed("runs", "list", "--agent", "nobody")["items"] == []
    assert len(listed("runs", "list", "--batch", newest)["items"]) == 5


@pytest.mark.usefixtures("inside")
def test_a_list_for_a_person_says_how_to_go_on() -> None:
    text = called("runs", "list", "--limit", "2").output
    assert text.splitlines()[0].split() == ["RUN", "STATUS", "AGENT", "OR", "WORKFLOW", "FILE", "ERROR", "CREATED"]
    assert "pdf_corrupt" in text
    assert text.splitlines()[-1].startswith("More: --cursor ")


@pytest.mark.usefixtures("inside")
def test_a_run_in_full() -> None:
    run_id = listed("runs", "list", "--status", "completed")["items"][0]["run_id"]
    run = listed("runs", "show", run_id)
    assert set(run) >= RUN_KEYS
    assert run["content"]["invoice_number"] == run["fields"]["invoice_number"]["value"]
    assert run["input"]["files"][0]["file"].startswith("drop/")
    text = called("runs", "show", run_id).output
    for part in (run_id, "COMPLETED", run["content"]["invoice_number"], run["input"]["files"][0]["sha256"]):
        assert part in text


@pytest.mark.usefixtures("inside")
def test_a_batch_in_full_with_its_dead_letters() -> None:
    newest, oldest = listed("batches", "list")["items"]
    assert set(newest) >= BATCH_KEYS
    assert [newest[k] for k in ("status", "total", "done", "failed", "skipped")] == ["COMPLETED", 5, 5, 1, 4]
    assert [oldest[k] for k in ("status", "total", "done", "failed", "skipped")] == ["COMPLETED", 4, 4, 0, 0]
    shown = listed("batches", "show", newest["id"])
    assert {k: shown[k] for k in newest} == newest
    assert [letter["code"] for letter in shown["dead_letters"]] == ["pdf_corrupt"]
    text = called("batches", "show", newest["id"]).output
    assert "5 documents: 0 completed, 1 failed, 4 skipped" in text
    assert "pdf_corrupt" in text


@pytest.mark.parametrize("noun", ["runs", "batches"])
def test_what_is_not_there_is_said_with_exit_code_2(inside: Shop, tmp_path: Path, noun: str) -> None:
    unknown = called(noun, "show", "nothing")
    assert unknown.exit_code == 2
    assert f"Error: {noun.removesuffix('s').replace('batche', 'batch')}_not_found: " in unknown.output
    absent = called(noun, "list", "--db", tmp_path / "none.db")
    assert absent.exit_code == 2
    assert "there is no database" in absent.output
    assert not (tmp_path / "none.db").exists()


def test_a_waiting_run_says_what_it_waits_for(tmp_path: Path) -> None:
    """A run that no live process can execute: `runs show` and `doctor` say so."""
    db = SqliteDb(tmp_path / "n.db")
    with db.write() as connection:
        from nightdrop.records.request import RunRequest, Subject
        from nightdrop.store.accept import accept

        subject = Subject(kind="agent", id="gone", revision="r1")
        (run,) = accept(connection, [RunRequest(subject=subject, message="Read.")], 1)
    db.close()
    shown = called("runs", "show", run.run_id, "--db", db.path)
    assert "waits for" in shown.output
    assert "gone at revision r1" in shown.output
    report = called("doctor", "--db", db.path)
    assert report.exit_code == 1
    assert "1 runs of gone" in report.output


def test_doctor_on_a_healthy_installation(filled: Shop) -> None:
    plain, as_json = together(["doctor"], ["doctor", "--json"], cwd=filled.root)
    assert (plain.code, as_json.code) == (0, 0), plain.out
    assert "No problems found." in plain.out
    report = as_json.json
    assert report["problems"] == []
    assert {"python", "sqlite", "nightdrop", "dbos"} <= set(report["versions"])
    assert report["database"]["path"] == str(filled.root / "nightdrop.db")
    assert report["database"]["schema version"].endswith(")")
    assert report["providers"]["local"] == "ready"
    fresh = called("doctor", "--json", "--db", filled.root / "not-yet.db")
    assert "does not exist yet" in json.loads(fresh.output)["database"]["state"]
    assert not (filled.root / "not-yet.db").exists()


@pytest.mark.parametrize("given", [[], ["--db", "nightdrop.db"]], ids=["default db", "--db"])
def test_doctor_names_a_broken_setting(inside: Shop, monkeypatch: pytest.MonkeyPatch, given: list[str]) -> None:
    monkeypatch.setenv("NIGHTDROP_MAX_FILE_MB", "lots")
    result = called("doctor", *given, "--json")
    assert result.exit_code == 1
    (problem,) = json.loads(result.output)["problems"]
    assert "NIGHTDROP_MAX_FILE_MB='lots' is not a whole number" in problem
    assert "child process" not in problem


def test_a_newer_database_is_refused_with_the_mend(tmp_path: Path) -> None:
    """doctor, runs and the library say that this installation is too old, and touch nothing."""
    db = SqliteDb(tmp_path / "n.db")
    with db.read():
        pass
    db.close()
    with sqlite3.connect(db.path) as connection:
        connection.execute("UPDATE nightdrop_schema SET version_num = '9999'")
    connection.close()
    report = called("doctor", "--db", db.path, "--json")
    assert report.exit_code == 1
    (problem,) = json.loads(report.output)["problems"]
    assert problem.startswith("database_too_new: ")
    assert "9999" in problem
    assert "upgrade nightdrop" in problem
    listing = called("runs", "list", "--db", db.path)
    assert listing.exit_code == 1
    assert "Error: database_too_new: " in listing.output
    agent = Agent(model="local", output_schema=Invoice, db=db)
    with pytest.raises(Exception, match=r"^database_too_new: "):
        agent.run(files=[File(content=invoice_text(1).encode(), filename="a.txt")])


def test_a_file_that_is_no_database_is_a_problem_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "n.db").write_text("certainly not a database " * 50)
    for command in (["doctor"], ["runs", "list"], ["batches", "list"]):
        result = called(*command, "--db", tmp_path / "n.db")
        assert result.exit_code == 1
        assert "storage_failed: cannot open" in result.output


def test_an_empty_nightdrop_db_variable_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTDROP_DB", "")
    result = called("doctor", "--json")
    assert json.loads(result.output)["database"]["path"] == str(tmp_path / "nightdrop.db")
