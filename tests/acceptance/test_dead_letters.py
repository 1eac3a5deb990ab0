"""Dead letters, cancelling and retention on the command line, with real processes."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import called, together
from tests.conftest import finished, invoice_text, nightdrop, rows_at

APP = '''
import os
from decimal import Decimal
from pathlib import Path
from pydantic import BaseModel, model_validator
from nightdrop import Agent, SqliteDb


class Slip(BaseModel):
    """Refused while the file `refuse` is there."""

    invoice_number: str | None = None
    total: Decimal | None = None

    @model_validator(mode="after")
    def check(self):
        if Path("refuse").exists():
            raise ValueError("not today")
        return self


agent = Agent(id="slips", model="local", output_schema=Slip, db=SqliteDb("nightdrop.db"))
'''
RUN = ("run", "drop", "--agent", "app.py:agent", "--json")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three documents that an agent refuses, one file that cannot be used, and the batch that found out."""
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "drop").mkdir()
    for n in range(3):
        (tmp_path / "drop" / f"{n}.txt").write_text(invoice_text(n))
    (tmp_path / "drop" / "empty.pdf").write_bytes(b"")
    (tmp_path / "refuse").touch()
    monkeypatch.chdir(tmp_path)
    (ended,) = together(RUN)
    assert (ended.code, ended.json["failed"]) == (1, 4), ended.err
    return tmp_path


def asked(*args: str, code: int = 0) -> Any:
    result = called(*args, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.output)


@pytest.mark.usefixtures("shop")
def test_letters_are_replayed_and_the_same_command_executes_them() -> None:
    letters = asked("dead-letters", "list")["items"]
    assert sorted(letter["code"] for letter in letters) == ["answer_invalid"] * 3 + ["file_empty"]
    first = asked("dead-letters", "list", "--limit", "1")
    rest = asked("dead-letters", "list", "--cursor", first["next_cursor"])
    assert [x["id"] for x in first["items"] + rest["items"]] == [x["id"] for x in letters]
    assert asked("dead-letters", "list", "--code", "rate_limited")["items"] == []

    wanted = next(letter for letter in letters if letter["code"] == "answer_invalid")
    shown = called("dead-letters", "show", wanted["id"])
    assert "not today" in shown.output
    assert asked("dead-letters", "assign", wanted["id"], "--to", "ann", "--note", "look")["assignee"] == "ann"

    Path("refuse").unlink()
    for wrong in ([], ["--all", "--code", "x"], [wanted["id"], "--all"], ["--since", "yesterday"]):
        assert called("dead-letters", "replay", *wrong).exit_code == 2
    replayed = called("dead-letters", "replay", "--code", "answer_invalid", "--since", "1d")
    assert (replayed.exit_code, "3 runs are queued again" in replayed.output) == (0, True), replayed.output
    assert "nightdrop worker" in replayed.output
    assert called("dead-letters", "replay", wanted["id"]).exit_code == 2, "its run is open again"

    (again,) = together(RUN)
    assert (again.json["total"], again.json["failed"]) == (4, 1), again.err
    runs = asked("runs", "list", "--status", "completed")["items"]
    assert [run["attempts"] for run in runs] == [2, 2, 2]
    (left,) = asked("dead-letters", "list")["items"]
    refused = called("dead-letters", "replay", left["id"])
    assert (refused.exit_code, "dead_letter_without_bytes" in refused.stderr) == (2, True)
    assert asked("dead-letters", "replay", "--all", code=1)["replayed"] == 0
    assert asked("dead-letters", "discard", left["id"]) == {"discarded": 1}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("point", ["replay.commit", "replay.committed"])
def test_a_replay_that_is_killed_is_whole_or_not_there(point: str) -> None:
    code, _, _ = finished(nightdrop("dead-letters", "replay", "--code", "answer_invalid", env=_killed(point)))
    assert code == -signal.SIGKILL
    queued = len(asked("runs", "list", "--status", "pending")["items"])
    letters = len(asked("dead-letters", "list", "--state", "replayed")["items"])
    assert queued == letters == (0 if point == "replay.commit" else 3)


def _killed(point: str) -> dict[str, str]:
    return {"NIGHTDROP_FAULT_POINT": point}


@pytest.mark.usefixtures("shop")
def test_runs_and_batches_are_cancelled_without_an_engine() -> None:
    asked("dead-letters", "replay", "--code", "answer_invalid")
    open_runs = [run["run_id"] for run in asked("runs", "list", "--status", "pending")["items"]]
    batch = asked("batches", "list")["items"][0]["id"]
    wrong = called("runs", "cancel", open_runs[0], "nothing")
    assert (wrong.exit_code, "run_not_found" in wrong.stderr) == (2, True)
    assert called("runs", "cancel").exit_code == 2
    assert called("runs", "cancel", "--batch", "nothing").exit_code == 2
    assert asked("runs", "cancel", open_runs[0]) == {"open": 1}
    code, _, _ = finished(nightdrop("runs", "cancel", "--batch", batch, env=_killed("cancel.commit")))
    assert code == -signal.SIGKILL
    assert asked("runs", "cancel", "--batch", batch) == {"open": 2}
    assert asked("runs", "cancel", *open_runs) == {"open": 0}
    assert len(asked("runs", "list", "--status", "cancelled")["items"]) == 3
    assert asked("batches", "list")["items"][0]["status"] == "CANCELLED"


def test_old_runs_are_pruned_and_a_document_is_forgotten(shop: Path) -> None:
    (shop / "refuse").unlink()
    asked("dead-letters", "replay", "--code", "answer_invalid")
    together(RUN)
    sha = asked("runs", "list", "--status", "completed")["items"][0]["input"]["files"][0]["sha256"]
    assert called("prune", "--older-than", "soon").exit_code == 2
    assert asked("prune", "--older-than", "90d")["runs"] == 0
    assert called("forget", sha).exit_code == 2, "without a terminal it wants --yes"
    assert asked("forget", sha, "--yes")["runs"] == 1
    gone = called("forget", sha, "--yes")
    assert (gone.exit_code, "document_not_found" in gone.stderr) == (2, True)
    would = asked("prune", "--older-than", "0s", "--dry-run")
    assert (would["runs"], would["dry_run"]) == (2, True)
    went = asked("prune", "--older-than", "0s")
    assert (went["runs"], went["documents"], went["bytes"]) == (2, 2, would["bytes"])
    assert rows_at("nightdrop.db", "SELECT status, error_code FROM nightdrop_runs") == [("ERROR", "file_empty")]
    assert asked("prune", "--older-than", "0s", "--dead-letters")["batches"] == 1
    assert [p for p in (shop / "nightdrop.db.blobs").rglob("*") if p.is_file()] == []
