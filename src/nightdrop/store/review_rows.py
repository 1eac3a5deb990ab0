"""Reviews in the rows: written with the pause of their run, listed by what an error would cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.ids import new_id
from nightdrop.records.check import Check, checks_text
from nightdrop.records.doubt import Doubt
from nightdrop.records.field import FieldResult
from nightdrop.records.pause import Pause
from nightdrop.records.review import Review, ReviewKind, ReviewState
from nightdrop.records.run import RunStatus
from nightdrop.store.tables import batch_items, reviews, run_files, runs

_OPEN = ("PENDING", "RUNNING")


def pause_for_review(
    connection: sa.Connection,
    run_id: str,
    attempt: int,
    *,
    content: Any,
    fields: Mapping[str, FieldResult],
    checks: tuple[Check, ...],
    doubts: Sequence[Doubt],
    now_ms: int,
) -> bool:
    """End an attempt PAUSED with its answer and a review for each doubt; one asked to stop is CANCELLED, without any.

    False: another writer ended this attempt first.
    """
    c = runs.c
    ids = [new_id(now_ms) for _ in doubts]
    names = ", ".join(doubt.path or "the answer as a whole" for doubt in doubts[:5])
    more = f" and {len(doubts) - 5} more" if len(doubts) > 5 else ""
    asked = Pause(question=f"Is this right: {names}{more}?", data={"reviews": ids})
    moved = connection.execute(
        sa.update(runs)
        .where(c.run_id == run_id, c.attempt == attempt, c.status.in_(_OPEN))
        .values(
            status=sa.case((c.cancel_requested.is_(True), RunStatus.CANCELLED.value), else_=RunStatus.PAUSED.value),
            pause=json.dumps(asked.to_json(), ensure_ascii=False),
            content=json.dumps(content, ensure_ascii=False),
            fields=fields_text(fields),
            checks=checks_text(checks),
            completed_at=now_ms,
        )
    )
    if moved.rowcount != 1:
        return False
    insert_reviews(connection, run_id, attempt, ReviewKind.DOUBT, doubts, now_ms, ids)
    return True


def insert_reviews(
    connection: sa.Connection,
    run_id: str,
    attempt: int,
    kind: ReviewKind,
    doubts: Sequence[Doubt],
    now_ms: int,
    ids: Sequence[str] | None = None,
) -> None:
    """A review for each doubt, open."""
    if not doubts:
        return
    named = ids or [new_id(now_ms) for _ in doubts]
    rows = [_row(i, run_id, attempt, kind, doubt, now_ms) for i, doubt in zip(named, doubts, strict=True)]
    connection.execute(sa.insert(reviews), rows)


def _row(review_id: str, run_id: str, attempt: int, kind: ReviewKind, doubt: Doubt, now_ms: int) -> dict[str, Any]:
    return {
        "id": review_id,
        "run_id": run_id,
        "attempt": attempt,
        "kind": kind.value,
        "path": doubt.path,
        "state": ReviewState.OPEN.value,
        "reasons": _text(doubt.reasons),
        "value": _text(doubt.value),
        "found": None if doubt.found is None else _text(doubt.found.to_json()),
        "candidates": _text([c.to_json() for c in doubt.candidates]) if doubt.candidates else None,
        "field_schema": _text(doubt.schema),
        "risk": doubt.risk,
        "created_at": now_ms,
    }


def fields_text(fields: Mapping[str, FieldResult]) -> str | None:
    """Fields as a run's row keeps them; None for none."""
    return json.dumps({p: f.to_json() for p, f in fields.items()}, ensure_ascii=False) if fields else None


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFilter:
    """Which reviews are meant. None: whatever it is. field: a path, or a pattern with `*` for an index."""

    run_id: str | None = None
    agent_id: str | None = None
    batch_id: str | None = None
    field: str | None = None
    kind: ReviewKind | None = None
    state: ReviewState | None = ReviewState.OPEN


def find_reviews(
    connection: sa.Connection, wanted: ReviewFilter, *, after: Review | None = None, limit: int = 50
) -> list[Review]:
    """The reviews that a filter means, the costliest first; `after` is the one the page starts behind.

    Open ones are only those that can be decided: their run waits for them, and no newer run has replaced it.
    """
    r = reviews.c
    query = _REVIEWS.where(*_conditions(wanted)).order_by(r.risk.desc(), r.id).limit(limit)
    if after is not None:
        query = query.where(sa.or_(r.risk < after.risk, sa.and_(r.risk == after.risk, r.id > after.id)))
    return [_review(connection, row) for row in connection.execute(query).mappings().all()]


def load_review(connection: sa.Connection, review_id: str) -> Review | None:
    """One review, None if there is none with this id."""
    row = connection.execute(_REVIEWS.where(reviews.c.id == review_id)).mappings().first()
    return None if row is None else _review(connection, row)


def has_open_reviews(connection: sa.Connection, run_id: str, attempt: int) -> bool:
    """Whether a run waits for decisions."""
    r = reviews.c
    query = sa.select(r.id).where(r.run_id == run_id, r.attempt == attempt, r.kind == "doubt", r.state == "open")
    return connection.execute(query.limit(1)).first() is not None


_REVIEWS = sa.select(reviews, runs.c.kind.label("run_kind"), runs.c.subject_id, runs.c.batch_id).join(
    runs, runs.c.run_id == reviews.c.run_id
)


def _conditions(wanted: ReviewFilter) -> list[sa.ColumnElement[bool]]:
    r, c = reviews.c, runs.c
    given: list[tuple[Any, Any]] = [(r.run_id, wanted.run_id), (c.subject_id, wanted.agent_id), (r.kind, wanted.kind)]
    found: list[sa.ColumnElement[bool]] = [column == value for column, value in given if value is not None]
    if wanted.batch_id is not None:
        of_batch = sa.select(batch_items.c.run_id).where(batch_items.c.batch_id == wanted.batch_id)
        found.append(r.run_id.in_(of_batch))
    if wanted.field is not None:
        found.append(r.path.like(_like(wanted.field), escape="\\"))
    if wanted.state is not None:
        found.append(r.state == wanted.state.value)
    if wanted.state is ReviewState.OPEN:
        waits = sa.and_(c.status == "PAUSED", c.attempt == r.attempt, c.is_current.is_(True))
        found.append(sa.or_(r.kind == "sample", waits))
    return found


def _like(pattern: str) -> str:
    plain = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return plain.replace("*", "%")


def _review(connection: sa.Connection, row: sa.RowMapping) -> Review:
    found = None if row["found"] is None else FieldResult.from_json(json.loads(row["found"]))
    position = 0 if found is None or found.document is None else found.document
    f = run_files.c
    query = sa.select(f.sha256, f.source, f.filename).where(f.run_id == row["run_id"], f.position == position)
    file = connection.execute(query).first()
    created = clock.to_datetime(row["created_at"])
    assert created is not None
    return Review(
        id=row["id"],
        run_id=row["run_id"],
        attempt=row["attempt"],
        agent_id=row["subject_id"] if row["run_kind"] == "agent" else None,
        batch_id=row["batch_id"],
        kind=ReviewKind(row["kind"]),
        field=row["path"],
        reasons=tuple(json.loads(row["reasons"])),
        value=json.loads(row["value"]),
        found=found,
        candidates=tuple(FieldResult.from_json(c) for c in json.loads(row["candidates"] or "[]")),
        schema=json.loads(row["field_schema"]),
        risk=row["risk"],
        state=ReviewState(row["state"]),
        created_at=created,
        sha256=None if file is None else file.sha256,
        file=None if file is None else file.source or file.filename,
        correction=None if row["correction"] is None else json.loads(row["correction"]),
        reviewer=row["reviewer"],
        note=row["note"],
        decided_at=clock.to_datetime(row["decided_at"]),
    )


def outcomes(row: sa.RowMapping) -> Iterator[tuple[str, bool]]:
    """Path and whether it was right, of a decided review; of an answer as a whole, each of its values."""
    read = json.loads(row["value"])
    if row["state"] == ReviewState.ACCEPTED.value:
        yield from ((path, True) for path, _ in _leaves(row["path"], read))
        return
    wanted = json.loads(row["correction"])
    was, should = dict(_leaves(row["path"], read)), dict(_leaves(row["path"], wanted))
    for path in {**was, **should}:
        yield path, was.get(path) == should.get(path)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in inner:
            yield from _leaves(f"{path}.{key}" if path else str(key), one)
    else:
        yield path, value
