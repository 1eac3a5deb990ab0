"""The packets example: one record out of a claim form, an estimate and a police report in one PDF."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.examples import answer_from, example, packet, right_answers

from nightdrop import File, RunStatus
from nightdrop.testing import SimulatedProvider
from nightdrop.workflows.inspect import inspect

FILE = File(content=packet(), filename="packet.pdf")


@pytest.fixture
def packets(monkeypatch: pytest.MonkeyPatch, place: str, tmp_path: Path) -> Iterator[Any]:
    """The example, the answers of its provider, and the provider."""
    answers = right_answers()
    with SimulatedProvider(answers=partial(answer_from, answers)) as provider:
        for name, value in {
            **provider.environment,
            "NIGHTDROP_DB": place,
            "PACKETS_MODEL": "openai-chat:gpt-4o-mini",
            "PACKETS_TO": str(tmp_path / "claims"),
        }.items():
            monkeypatch.setenv(name, value)
        module = example("packets")
        yield module, answers, provider
        module.workflow.db.close()


def exported(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (folder / "claims").glob("*.json")]


def test_a_packet_becomes_one_record(packets: Any, tmp_path: Path) -> None:
    """A call for the kinds and one for each of them; each value knows its page of the packet; the record is put."""
    module, _, provider = packets
    assert inspect(module.workflow.spec) == []
    run = module.workflow.run("Extract.", files=[FILE])
    assert run.status is RunStatus.COMPLETED, run.error or run.pause
    assert run.content == module.Claim(
        claim_number="C-9",
        claimant="Ada Lovelace",
        date_of_loss=date(2026, 3, 2),
        net=Decimal("100.00"),
        tax=Decimal("19.00"),
        total=Decimal("119.00"),
        report_number="PR-44",
    )
    assert {name: run.fields[name].page for name in ("claimant", "net", "total", "report_number")} == {
        "claimant": 1,
        "net": 2,
        "total": 3,
        "report_number": 4,
    }
    (row,) = exported(tmp_path)
    assert (row["run_id"], row["content"]["total"], row["version"]) == (run.run_id, "119.00", 1)
    assert (run.metrics.model_calls, len([call for call in provider.meter.calls if call.billed])) == (4, 4)
    (aside,) = [step for step in run.steps if step.path == "by kind/other"]
    assert aside.content == ["packet.pdf, pages 5 to 5"]


def test_a_person_helps_wherever_it_is_in_doubt(packets: Any, tmp_path: Path) -> None:
    """Kinds that leave a page out, sums that are wrong, and a claimant that stands nowhere: each is asked once."""
    module, answers, provider = packets
    pages = answers["documents"]
    answers["documents"] = pages[:2]
    answers["net"] = {**answers["net"], "total": "911.00"}
    answers["claimant"] = {**answers["claimant"], "claimant": "Nobody Inparticular"}
    workflow = module.workflow
    run = workflow.run("Extract.", files=[FILE])
    assert run.pause is not None, run.error
    assert (run.pause.step, run.pause.data["problem"]) == (
        "kinds/kinds labels",
        "pages 4 to 5 belong to no document",
    )
    run = workflow.continue_run(run.run_id, [{k: p[k] for k in ("label", "first", "last")} for p in pages])
    assert run.pause is not None, run.error
    assert (run.pause.step, "adds_up" in run.pause.question) == ("by kind/estimate/sums", True)
    run = workflow.continue_run(run.run_id, "skip")
    assert run.pause is not None, run.error
    assert run.pause.data == {"found": {"claimant": "Nobody Inparticular", "total": None}}
    assert not exported(tmp_path)
    run = workflow.continue_run(run.run_id, {"claimant": "Ada Lovelace", "total": "119.00"})
    assert (run.status, run.content.total, run.content.claimant) == (
        RunStatus.COMPLETED,
        Decimal("119.00"),
        "Ada Lovelace",
    ), run.error
    assert [row["content"]["claimant"] for row in exported(tmp_path)] == ["Ada Lovelace"]
    assert len([call for call in provider.meter.calls if call.billed]) == 4


def test_a_packet_without_what_is_needed_is_no_record(packets: Any, tmp_path: Path) -> None:
    """It fails, and says why; nothing is put."""
    module, answers, _ = packets
    answers["documents"] = [{"label": "other", "first": 1, "last": 5, "confidence": 0.9}]
    run = module.workflow.run("Extract.", files=[FILE])
    assert run.error is not None
    assert (run.error.code, "step claim" in run.error.message) == ("step_output_invalid", True)
    assert not exported(tmp_path)
