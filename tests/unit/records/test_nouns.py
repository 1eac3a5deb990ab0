"""The nouns: frozen, with one plain form, and ids that sort by time."""

from __future__ import annotations

import dataclasses
import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from nightdrop import FieldResult, File, RunError, RunFailed, RunMetrics, RunOutput, RunStatus, UsageError, records
from nightdrop.clock import iso, to_datetime
from nightdrop.ids import new_id, slug
from nightdrop.records import FileRef, RunInput
from nightdrop.records.file import storable
from nightdrop.records.request import RunRequest, Subject
from nightdrop.schemas import Invoice


@pytest.mark.parametrize("name", [n for n in records.__all__ if dataclasses.is_dataclass(getattr(records, n))])
def test_every_record_is_frozen_with_slots_and_keywords_only(name: str) -> None:
    kind: Any = getattr(records, name)
    assert kind.__dataclass_params__.frozen
    assert hasattr(kind, "__slots__")
    assert all(field.kw_only for field in dataclasses.fields(kind))


def run(**changes: Any) -> RunOutput:
    given: dict[str, Any] = {
        "run_id": "r",
        "session_id": "s",
        "status": RunStatus.COMPLETED,
        "input": RunInput(message="m", files=(FileRef(sha256="a" * 64, source="a.pdf"),)),
    }
    return RunOutput(**{**given, **changes})


def test_a_run_has_a_plain_form() -> None:
    full = run(
        content=Invoice(total=Decimal("10.50")),
        fields={"total": FieldResult(value="10.50", bbox=(1.0, 2.0, 3.0, 4.0))},
        error=RunError(code="c", message="m", retryable=True),
        created_at=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    )
    data = json.loads(json.dumps(full.to_json()))
    assert data["content"]["total"] == "10.50"
    assert data["fields"]["total"]["bbox"] == [1.0, 2.0, 3.0, 4.0]
    assert data["error"] == {"code": "c", "message": "m", "retryable": True}
    assert (data["created_at"], data["completed_at"]) == ("2026-01-02T03:04:05.678Z", None)
    assert data["input"]["files"] == [{"sha256": "a" * 64, "filename": None, "mime_type": None, "file": "a.pdf"}]


def test_a_field_comes_back_from_its_plain_form() -> None:
    for field in (
        FieldResult(value=None),
        FieldResult(value="1", confidence=0.5, page=2, bbox=(0.0, 1.0, 2.0, 3.0), evidence="e"),
    ):
        assert FieldResult.from_json(json.loads(json.dumps(field.to_json()))) == field


def test_raise_for_status() -> None:
    assert run().raise_for_status() == run()
    with pytest.raises(RunFailed, match=r"^no_text: a scan$"):
        run(status=RunStatus.ERROR, error=RunError(code="no_text", message="a scan")).raise_for_status()
    with pytest.raises(RunFailed, match=r"^cancelled: "):
        run(status=RunStatus.CANCELLED).raise_for_status()


def test_only_pending_and_running_are_open() -> None:
    assert [status.value for status in RunStatus if status.is_open] == ["PENDING", "RUNNING"]


def test_an_unknown_cost_is_null_and_a_known_one_keeps_every_digit() -> None:
    assert RunMetrics(cost=None, cost_source="unknown").to_json()["cost"] is None
    assert RunMetrics(cost=Decimal("0.000000001")).to_json()["cost"] == "0.000000001"
    assert RunMetrics(input_tokens=3, output_tokens=4).total_tokens == 7


@pytest.mark.parametrize(
    ("file", "name", "source"),
    [
        (File(filepath="in/a.pdf"), "a.pdf", "in/a.pdf"),
        (File(filepath="in/a.pdf", filename="b.pdf"), "b.pdf", "in/a.pdf"),
        (File(url="http://h/x/a.pdf?k=1"), "a.pdf", "http://h/x/a.pdf?k=1"),
        (File(url="http://h/"), "h", "http://h/"),
        (File(content=b"", filename="a.pdf"), "a.pdf", "a.pdf"),
        (File(content=b"", filename="a.pdf", id="7"), "a.pdf", "7"),
        (File(content=b""), None, None),
    ],
)
def test_what_a_file_is_called(file: File, name: str | None, source: str | None) -> None:
    assert (file.name, file.source) == (name, source)


def test_a_name_becomes_text_that_any_database_takes() -> None:
    assert storable("a\udcff\0b") == "a\\udcff\\x00b"
    assert storable("Größe 🧾") == "Größe 🧾"


def test_a_request_takes_only_text() -> None:
    subject = Subject(kind="agent", id="a", revision="r")
    RunRequest(subject=subject, message="Größe 🧾", session_id="", user_id=None)
    for wrong in ({"message": "\udcff"}, {"message": None, "session_id": 7}):
        with pytest.raises(UsageError, match="takes text"):
            RunRequest(**{"subject": subject, "message": "", **wrong})  # type: ignore[arg-type]


def test_ids_are_uuids_of_version_7_that_sort_by_time() -> None:
    early, late = new_id(1_000), new_id(2_000)
    assert early < late < new_id()
    assert uuid.UUID(early).version == 7
    assert uuid.UUID(early).variant == uuid.RFC_4122
    assert len({new_id() for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Invoice Extractor", "invoice-extractor"), ("  A--b_c/d ", "a-b-c-d"), ("Größe 7", "größe-7"), ("!?", "agent")],
)
def test_a_name_as_a_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_times_are_utc_with_milliseconds() -> None:
    moment = to_datetime(1_767_322_645_678)
    assert moment is not None
    assert moment.tzinfo is UTC
    assert iso(moment) == "2026-01-02T02:57:25.678Z"
    assert (to_datetime(None), iso(None)) == (None, None)
