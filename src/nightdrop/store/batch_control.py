"""A batch stopped, taken up again, or tried again: what that means for its runs."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from nightdrop.records.batch import BatchStatus
from nightdrop.store.accept import try_again
from nightdrop.store.attempts import cancel
from nightdrop.store.batches import load_batch
from nightdrop.store.documents import alone
from nightdrop.store.tables import batch_items, batches, runs

_OPEN = ("PENDING", "RUNNING")
_CHUNK = 1000  # ids in one IN: SQLite takes 32,766 parameters


def cancel_batch(connection: sa.Connection, batch_id: str, now_ms: int) -> list[str]:
    """Mark a batch cancelled; returns its runs that are still open, for `cancel_own` in chunks.

    One that is complete stays so.
    """
    batch = load_batch(connection, batch_id)
    if batch is None or batch.status is BatchStatus.COMPLETED:
        return []
    connection.execute(sa.update(batches).where(batches.c.batch_id == batch_id).values(cancelled_at=now_ms))
    return _runs_with(connection, batch_id, _OPEN)


def cancel_own(connection: sa.Connection, batch_id: str, run_ids: Sequence[str], now_ms: int) -> list[str]:
    """Ask those of these runs to stop that no other batch waits for; returns the ones that were open.

    Who joins one waits until this commits, and then sees that it stops.
    """
    alone(connection)
    own = _only_of(connection, batch_id, run_ids)
    still = sa.select(runs.c.run_id).where(runs.c.run_id.in_(own), runs.c.status.in_((*_OPEN, "PAUSED")))
    found = list(connection.scalars(still.with_for_update()))
    cancel(connection, found, now_ms)
    return found


def _only_of(connection: sa.Connection, batch_id: str, run_ids: Sequence[str]) -> list[str]:
    """Of these runs, the ones that no other batch waits for: those that batch made and nobody else has joined."""
    i = batch_items.c
    own = set(connection.scalars(sa.select(i.run_id).where(i.batch_id == batch_id, i.disposition == "new")))
    kept: list[str] = []
    for at in range(0, len(run_ids), _CHUNK):
        chunk = [run_id for run_id in run_ids[at : at + _CHUNK] if run_id in own]
        others = (
            sa.select(i.run_id)
            .join(batches, batches.c.batch_id == i.batch_id)
            .where(i.run_id.in_(chunk), i.batch_id != batch_id, batches.c.cancelled_at.is_(None))
        )
        joined = set(connection.scalars(others))
        kept += [run_id for run_id in chunk if run_id not in joined]
    return kept


def resume_batch(connection: sa.Connection, batch_id: str) -> list[str]:
    """Take a batch's cancellation back; returns its cancelled runs, for the caller to try again.

    Where a session has gone on with another run meanwhile, that run answers the item: nothing is paid twice.
    """
    connection.execute(sa.update(batches).where(batches.c.batch_id == batch_id).values(cancelled_at=None))
    old, now, i = runs.alias("old"), runs.alias("now"), batch_items.c
    replaced = connection.execute(
        sa.select(old.c.run_id, now.c.run_id)
        .join(batch_items, sa.and_(i.run_id == old.c.run_id, i.batch_id == batch_id))
        .join(
            now,
            sa.and_(
                now.c.kind == old.c.kind,
                now.c.subject_id == old.c.subject_id,
                now.c.session_id == old.c.session_id,
                now.c.is_current.is_(True),
            ),
        )
        .where(old.c.status == "CANCELLED", old.c.is_current.is_(None))
    ).all()
    for gone, current in replaced:
        connection.execute(
            sa.update(batch_items)
            .where(i.batch_id == batch_id, i.run_id == gone)
            .values(run_id=current, disposition="known")
        )
    return _runs_with(connection, batch_id, ("CANCELLED",))


def failed_runs(connection: sa.Connection, batch_id: str) -> list[str]:
    """Runs of a batch that ended in ERROR and may be tried again: a document that cannot be used stays refused."""
    i = batch_items.c
    query = (
        sa.select(runs.c.run_id)
        .join(batch_items, sa.and_(i.run_id == runs.c.run_id, i.batch_id == batch_id))
        .where(runs.c.status == "ERROR", runs.c.started_at.is_not(None))
        .distinct()
    )
    return list(connection.scalars(query))


def retryable_runs(connection: sa.Connection, batch_id: str) -> list[str]:
    """Of `failed_runs`, those whose error says that another try may help."""
    failed = failed_runs(connection, batch_id)
    found: list[str] = []
    for at in range(0, len(failed), _CHUNK):
        query = sa.select(runs.c.run_id).where(
            runs.c.run_id.in_(failed[at : at + _CHUNK]), runs.c.error_retryable.is_(True)
        )
        found += connection.scalars(query)
    return found


def is_stopping(connection: sa.Connection, *, run_id: str | None, batch_id: str | None) -> bool:
    """Whether this run, or one of this batch, was asked to stop and has not ended yet."""
    stopping = sa.and_(runs.c.status.in_(_OPEN), runs.c.cancel_requested.is_(True))
    if run_id is not None:
        query = sa.select(sa.exists().where(runs.c.run_id == run_id, stopping))
    else:
        i = batch_items.c
        query = sa.select(sa.exists().where(i.batch_id == batch_id, i.run_id == runs.c.run_id, stopping))
    return bool(connection.scalar(query))


def try_all_again(connection: sa.Connection, run_ids: Sequence[str], now_ms: int) -> None:
    """Queue these ended runs for another attempt."""
    for at in range(0, len(run_ids), _CHUNK):
        wanted = runs.c.run_id.in_(run_ids[at : at + _CHUNK])
        for row in connection.execute(sa.select(runs.c.run_id, runs.c.attempt).where(wanted)).all():
            try_again(connection, row.run_id, row.attempt, now_ms)


def _runs_with(connection: sa.Connection, batch_id: str, wanted: tuple[str, ...]) -> list[str]:
    i = batch_items.c
    query = (
        sa.select(runs.c.run_id)
        .join(batch_items, sa.and_(i.run_id == runs.c.run_id, i.batch_id == batch_id))
        .where(runs.c.status.in_(wanted))
        .distinct()
    )
    return list(connection.scalars(query))
