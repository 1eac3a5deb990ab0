"""Export: what a workflow has come to is put once for each session, and is there before the workflow goes on."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.fundamentals.sink_places import let_in
from tests.site import site

from nightdrop import FieldResult, File, Loop, RunOutput, RunStatus, Step, StepInput, StepOutput, UsageError, Workflow
from nightdrop.records import RunInput
from nightdrop.sinks.outbox_row import sink_row, step_row
from nightdrop.steps import Export
from nightdrop.store.place import database_at
from nightdrop.workflows import StepRun

TEXT = File(content=b"Claim C-9", filename="claim.txt")


class Claim(BaseModel):
    """What is exported here."""

    number: str
    amount: Decimal


def read(given: StepInput) -> StepOutput[Claim]:
    found = FieldResult(value="C-9", confidence=0.9)
    return StepOutput(Claim(number="C-9", amount=Decimal(given.input)), fields={"number": found})


def written(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def test_the_content_is_put_and_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "out"
    there: list[int] = []

    def later(given: StepInput) -> Claim:
        there.append(len(written(out)))
        assert isinstance(given.previous_step_content, Claim)
        return Claim.model_validate(given.previous_step_content)

    run = Workflow(id="claims", steps=[read, Export(str(out), returns=Claim), later]).run("12.50", files=[TEXT])
    assert (run.content, there) == (Claim(number="C-9", amount=Decimal("12.50")), [1]), run.error
    (row,) = written(out)
    assert row["content"] == {"number": "C-9", "amount": "12.50"}
    assert (row["status"], row["workflow_id"], row["run_id"], row["version"]) == ("EXPORTED", "claims", run.run_id, 1)
    assert (row["file"], row["sha256"]) == ("claim.txt", run.input.files[0].sha256)
    assert row["fields"]["number"]["confidence"] == 0.9


def test_a_session_has_one_row_in_a_table_and_a_later_run_replaces_it(tmp_path: Path, place: str) -> None:
    url = f"sqlite:///{tmp_path}/outside.db"
    db = database_at(place)
    workflow = Workflow(id="claims", steps=[read, Step("export", executor=Export(url)), after], db=db)
    first = workflow.run("1", files=[TEXT], session_id="s")
    workflow.retry_run(first.run_id, from_step="after")
    workflow.run("2", files=[TEXT], session_id="s")
    workflow.run("7", files=[TEXT], session_id="other")
    with closing(sqlite3.connect(tmp_path / "outside.db")) as connection:
        rows = connection.execute("SELECT content, version FROM nightdrop_results").fetchall()
    assert sorted((json.loads(content)["amount"], version) for content, version in rows) == [("2", 2), ("7", 1)]
    db.close()


def after(given: StepInput) -> int:
    return 1


def test_another_steps_content_and_each_round_of_a_loop(tmp_path: Path) -> None:
    out = tmp_path / "out"
    steps = [read, Loop([after, Step("export", executor=Export(str(out), of="read"))], max_iterations=2)]
    run = Workflow(id="claims", steps=steps).run("3")
    assert run.status is RunStatus.COMPLETED, run.error
    assert [row["content"]["amount"] for row in written(out)] == ["3", "3"]


def test_a_place_that_is_down_fails_the_step(tmp_path: Path) -> None:
    """Here a file stands where the folder is to be."""
    (tmp_path / "out").write_text("in the way")
    run = Workflow(id="claims", steps=[read, Step("export", executor=Export(str(tmp_path / "out")))]).run("1")
    assert (run.status, run.error.code if run.error else None) == (RunStatus.ERROR, "step_failed")


def test_over_http_every_try_has_the_same_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with site() as web:
        web.decide = lambda _body: (503, {}, b"not now") if len(web.asked) == 1 else None
        step = Step("export", executor=Export(let_in(web, tmp_path, monkeypatch)), retries=1)
        run = Workflow(id="claims", steps=[read, step]).run("1")
    assert run.status is RunStatus.COMPLETED, run.error
    (_, _, first, body), (_, _, second, again) = web.asked
    assert (first["Idempotency-Key"], body) == (second["Idempotency-Key"], again)
    assert (json.loads(body)["status"], json.loads(body)["content"]["amount"]) == ("EXPORTED", "1")


def test_what_is_not_there_is_not_exported(tmp_path: Path) -> None:
    run = Workflow(id="claims", steps=[Export(str(tmp_path))]).run("x")
    assert (run.error.code if run.error else None) == "step_output_invalid"
    assert not written(tmp_path)


def test_passwords_stand_in_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for wrong in ("postgresql+psycopg://me:secret@host/db", ""):
        with pytest.raises(UsageError, match=r"^workflow_invalid") as refused:
            Export(wrong)
        assert "secret" not in str(refused.value)
    workflow = Workflow(id="claims", steps=[read, Export("env:CLAIMS_TO")])
    failed = workflow.run("1")
    assert failed.error is not None
    assert "CLAIMS_TO is not set" in failed.error.message
    monkeypatch.setenv("CLAIMS_TO", f"file://{tmp_path}/out")
    assert workflow.run("1").status is RunStatus.COMPLETED
    assert len(written(tmp_path / "out")) == 1


def test_a_steps_row_has_the_keys_of_a_runs_row() -> None:
    run = RunOutput(run_id="r", session_id="s", workflow_id="w", status=RunStatus.COMPLETED, input=RunInput(message=""))
    of_step = step_row(StepRun(workflow_id="w", run_id="r", session_id="s"), "export", {}, {})
    assert set(of_step) == set(sink_row(run, 1))
    assert of_step["document"] != sink_row(run, 1)["document"]
