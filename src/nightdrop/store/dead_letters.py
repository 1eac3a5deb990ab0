"""Dead letters: written with the end of an attempt, listed for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.ids import new_id
from nightdrop.records.dead_letter import DeadLetter, DeadLetterState, LetterFilter
from nightdrop.records.run_error import RunError
from nightdrop.store.tables import batch_items, dead_letters, run_files, runs


def letter_row(
    run_id: str, attempt: int, error: RunError, now_ms: int, raw_answer: str | None = None
) -> dict[str, Any]:
    """The row for an attempt that ended with this error."""
    return {
        "id": new_id(now_ms),
        "run_id": run_id,
        "attempt": attempt,
        "code": error.code,
        "message": error.message,
        "retryable": error.retryable,
        "raw_answer": raw_answer,
        "state": DeadLetterState.OPEN.value,
        "created_at": now_ms,
        "updated_at": now_ms,
    }


def list_dead_letters(
    connection: sa.Connection,
    *,
    batch_id: str | None = None,
    state: DeadLetterState | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[DeadLetter]:
    """A batch's dead letters (or everyone's), newest first; `before` is the id the page starts after."""
    return find_letters(connection, LetterFilter(batch_id=batch_id, state=state), before=before, limit=limit)


def find_letters(
    connection: sa.Connection, wanted: LetterFilter, *, before: str | None = None, limit: int = 50
) -> list[DeadLetter]:
    """The dead letters that a filter means, newest first; `before` is the id the page starts after."""
    query = _LETTERS.where(*_conditions(wanted)).order_by(dead_letters.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(dead_letters.c.id < before)
    return [_letter(row) for row in connection.execute(query).mappings()]


def load_letters(connection: sa.Connection, ids: Sequence[str]) -> dict[str, DeadLetter]:
    """These dead letters by id; unknown ids are left out."""
    rows = connection.execute(_LETTERS.where(dead_letters.c.id.in_(ids))).mappings()
    return {row["id"]: _letter(row) for row in rows}


def letter_ids(
    connection: sa.Connection, wanted: LetterFilter, *, after: str = "", until: str | None = None, limit: int = 500
) -> list[str]:
    """Ids that a filter means, oldest first, behind `after` and up to `until`: how many are gone through in chunks."""
    d = dead_letters.c
    query = sa.select(d.id).join(runs, runs.c.run_id == d.run_id).where(d.id > after, *_conditions(wanted))
    if until is not None:
        query = query.where(d.id <= until)
    return list(connection.scalars(query.order_by(d.id).limit(limit)))


def set_state(connection: sa.Connection, ids: Sequence[str], state: DeadLetterState, now_ms: int) -> int:
    """Move those of these letters that are open to another state; returns how many."""
    d = dead_letters.c
    query = sa.update(dead_letters).where(d.id.in_(ids), d.state == DeadLetterState.OPEN.value)
    return connection.execute(query.values(state=state.value, updated_at=now_ms)).rowcount


def mark_replayed(connection: sa.Connection, letter_id: str, now_ms: int) -> None:
    """Mark one letter replayed, whatever it was: also one that was discarded may be tried after all."""
    query = sa.update(dead_letters).where(dead_letters.c.id == letter_id)
    connection.execute(query.values(state=DeadLetterState.REPLAYED.value, updated_at=now_ms))


def annotate(connection: sa.Connection, letter_id: str, now_ms: int, **values: str | None) -> None:
    """Set who looks after a letter, or what they noted."""
    query = sa.update(dead_letters).where(dead_letters.c.id == letter_id)
    connection.execute(query.values(updated_at=now_ms, **values))


_first = run_files.alias("first")
_LETTERS = (
    sa.select(
        dead_letters, runs.c.kind, runs.c.subject_id, runs.c.batch_id, _first.c.sha256, _first.c.source.label("file")
    )
    .join(runs, runs.c.run_id == dead_letters.c.run_id)
    .outerjoin(_first, sa.and_(_first.c.run_id == dead_letters.c.run_id, _first.c.position == 0))
)


def _conditions(wanted: LetterFilter) -> list[sa.ColumnElement[bool]]:
    d, found = dead_letters.c, []
    if wanted.code is not None:
        found.append(d.code == wanted.code)
    if wanted.since is not None:
        found.append(d.created_at >= int(wanted.since.timestamp() * 1000))
    if wanted.batch_id is not None:
        of_batch = sa.select(batch_items.c.run_id).where(batch_items.c.batch_id == wanted.batch_id)
        found.append(d.run_id.in_(of_batch))
    if wanted.agent_id is not None:
        found.append(runs.c.subject_id == wanted.agent_id)
    if wanted.state is not None:
        found.append(d.state == wanted.state.value)
    return found


def _letter(row: sa.RowMapping) -> DeadLetter:
    created = clock.to_datetime(row["created_at"])
    assert created is not None
    return DeadLetter(
        id=row["id"],
        run_id=row["run_id"],
        agent_id=row["subject_id"] if row["kind"] == "agent" else None,
        batch_id=row["batch_id"],
        code=row["code"],
        message=row["message"],
        retryable=bool(row["retryable"]),
        attempts=row["attempt"],
        sha256=row["sha256"],
        file=row["file"],
        state=DeadLetterState(row["state"]),
        created_at=created,
        raw_answer=row["raw_answer"],
        assignee=row["assignee"],
        note=row["note"],
        updated_at=clock.to_datetime(row["updated_at"]),
    )
