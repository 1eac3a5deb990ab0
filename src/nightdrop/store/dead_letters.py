"""Dead letters: written with the end of an attempt, listed for a person."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.ids import new_id
from nightdrop.records.dead_letter import DeadLetter, DeadLetterState
from nightdrop.records.run import RunError
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
    """Dead letters, newest first; `before` is the id the page starts after."""
    d, first = dead_letters.c, run_files.alias("first")
    query = (
        sa.select(
            dead_letters, runs.c.kind, runs.c.subject_id, runs.c.batch_id, first.c.sha256, first.c.source.label("file")
        )
        .join(runs, runs.c.run_id == d.run_id)
        .outerjoin(first, sa.and_(first.c.run_id == d.run_id, first.c.position == 0))
        .order_by(d.id.desc())
        .limit(limit)
    )
    if batch_id is not None:
        query = query.where(d.run_id.in_(sa.select(batch_items.c.run_id).where(batch_items.c.batch_id == batch_id)))
    if state is not None:
        query = query.where(d.state == state.value)
    if before is not None:
        query = query.where(d.id < before)
    return [_letter(row) for row in connection.execute(query).mappings()]


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
    )
