"""What makes the same call continue a batch, and how documents are looked at before they are read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from nightdrop import File
from nightdrop.batch import BatchCall, documents_of
from nightdrop.errors import SourceNotFound, UsageError
from nightdrop.records.request import Subject

CALL = BatchCall(subject=Subject(kind="agent", id="a", revision="r1"), source="drop", message="m", max_bytes=100)


@pytest.mark.parametrize(
    "change",
    [
        {"source": "other"},
        {"message": "n"},
        {"limit": 3},
        {"subject": Subject(kind="agent", id="a", revision="r2")},
        {"subject": Subject(kind="agent", id="b", revision="r1")},
    ],
    ids=["source", "message", "limit", "revision", "agent"],
)
def test_another_call_is_another_batch(change: dict[str, object]) -> None:
    assert replace(CALL, **change).fingerprint != CALL.fingerprint  # type: ignore[arg-type]


def test_the_place_counts_not_how_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert replace(CALL, source=tmp_path / "drop").fingerprint == CALL.fingerprint
    assert replace(CALL, source="./drop/").fingerprint == CALL.fingerprint
    monkeypatch.chdir("/")
    assert replace(CALL, source=tmp_path / "drop").fingerprint != CALL.fingerprint


def test_how_it_is_gone_through_does_not_count() -> None:
    for change in ({"retry_failed": True}, {"user_id": "ann"}, {"max_bytes": 7}):
        assert replace(CALL, **change).fingerprint == CALL.fingerprint  # type: ignore[arg-type]


def test_an_iterable_has_no_fingerprint_and_an_odd_path_has_one() -> None:
    assert replace(CALL, source=[File(content=b"x")]).fingerprint is None
    assert replace(CALL, source=os.fsdecode(b"\xff")).fingerprint is not None


async def test_documents_stop_at_the_limit() -> None:
    source = [File(content=bytes([n])) for n in range(5)]
    assert len(list(await documents_of(replace(CALL, source=source, limit=2)))) == 2
    assert len(list(await documents_of(replace(CALL, source=source)))) == 5


async def test_a_missing_source_is_said_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        await documents_of(replace(CALL, source=tmp_path / "nothing"))


def test_a_call_takes_only_text() -> None:
    with pytest.raises(UsageError, match="message="):
        replace(CALL, message="\ud800")
