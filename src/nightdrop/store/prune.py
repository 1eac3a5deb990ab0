"""Deleting ended runs with their files, items and letters. The ledger keeps its amounts, without the answers."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from nightdrop.store.submissions import forget_submissions
from nightdrop.store.tables import (
    batch_items,
    batches,
    dead_letters,
    documents,
    listings,
    model_calls,
    reviews,
    run_files,
    runs,
    steps,
    submissions,
)

_ENDED = ("COMPLETED", "ERROR", "CANCELLED")
_CHUNK = 500


def prunable(cutoff_ms: int, with_letters: bool) -> sa.ColumnElement[bool]:
    """Runs that ended before the cutoff, without an open dead letter, that no younger batch has as a known result."""
    i, d = batch_items.c, dead_letters.c
    needed = (
        sa.exists()
        .where(
            i.run_id == runs.c.run_id,
            i.disposition != "new",
            i.batch_id == batches.c.batch_id,
            batches.c.created_at >= cutoff_ms,
        )
        .correlate(runs)
    )
    old = sa.and_(runs.c.status.in_(_ENDED), runs.c.completed_at < cutoff_ms, ~needed)
    if with_letters:
        return old
    return sa.and_(old, ~sa.exists().where(d.run_id == runs.c.run_id, d.state == "open").correlate(runs))


def prunable_runs(
    connection: sa.Connection, cutoff_ms: int, with_letters: bool, *, after: str = "", limit: int
) -> dict[str, int]:
    """Such runs, oldest first, behind one: id to the attempt that is over."""
    query = sa.select(runs.c.run_id, runs.c.attempt).where(runs.c.run_id > after, prunable(cutoff_ms, with_letters))
    return {row.run_id: row.attempt for row in connection.execute(query.order_by(runs.c.run_id).limit(limit))}


def attempts_of(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, int]:
    """The attempt that each of these runs is at."""
    found: dict[str, int] = {}
    for at in range(0, len(run_ids), _CHUNK):
        query = sa.select(runs.c.run_id, runs.c.attempt).where(runs.c.run_id.in_(run_ids[at : at + _CHUNK]))
        found |= {row.run_id: row.attempt for row in connection.execute(query)}
    return found


def still_prunable(connection: sa.Connection, run_ids: Sequence[str], cutoff_ms: int, with_letters: bool) -> list[str]:
    """Which of these are so still, asked in the transaction that deletes them: one may have been replayed."""
    query = sa.select(runs.c.run_id).where(runs.c.run_id.in_(run_ids), prunable(cutoff_ms, with_letters))
    return list(connection.scalars(query.with_for_update(of=runs, skip_locked=True)))


def delete_runs(connection: sa.Connection, run_ids: Sequence[str]) -> int:
    """Delete runs with all that is theirs; model calls stay as amounts. Returns how many dead letters went."""
    letters = 0
    for at in range(0, len(run_ids), _CHUNK):
        chunk = run_ids[at : at + _CHUNK]
        connection.execute(sa.update(model_calls).where(model_calls.c.run_id.in_(chunk)).values(response=None))
        forget_submissions(connection, chunk)
        letters += connection.execute(sa.delete(dead_letters).where(dead_letters.c.run_id.in_(chunk))).rowcount
        for table in (batch_items, run_files, steps, reviews, runs):
            connection.execute(sa.delete(table).where(table.c.run_id.in_(chunk)))
    return letters


def delete_empty_batches(connection: sa.Connection, cutoff_ms: int, dead_ms: int) -> int:
    """Delete batches from before the cutoff that hold no item. One still being listed must be older than `dead_ms`."""
    b = batches.c
    empty = ~sa.exists().where(batch_items.c.batch_id == b.batch_id)
    over = sa.or_(b.accepted_at.is_not(None), b.cancelled_at.is_not(None), b.created_at < dead_ms)
    deleted = connection.execute(sa.delete(batches).where(b.created_at < cutoff_ms, empty, over)).rowcount
    _forget_what_named(connection)
    return deleted


def delete_batches_without_items(connection: sa.Connection, batch_ids: Sequence[str]) -> None:
    """Delete those of these batches that hold no item any more."""
    empty = ~sa.exists().where(batch_items.c.batch_id == batches.c.batch_id)
    listed = batches.c.accepted_at.is_not(None)
    connection.execute(sa.delete(batches).where(batches.c.batch_id.in_(batch_ids), empty, listed))
    _forget_what_named(connection)


def _forget_what_named(connection: sa.Connection) -> None:
    """Listings and clients' keys of batches that are gone."""
    for table in (listings, submissions):
        gone = ~sa.exists().where(batches.c.batch_id == table.c.batch_id)
        connection.execute(sa.delete(table).where(table.c.batch_id.is_not(None), gone))


def would_go(connection: sa.Connection, cutoff_ms: int, with_letters: bool) -> tuple[int, int, int, int]:
    """(runs, dead letters, documents, bytes) that a prune would delete now; documents that nothing names included."""
    going = prunable(cutoff_ms, with_letters)
    count = connection.scalar(sa.select(sa.func.count()).select_from(runs).where(going)) or 0
    letters = sa.select(sa.func.count()).select_from(dead_letters.join(runs, runs.c.run_id == dead_letters.c.run_id))
    leaving = sa.select(runs.c.run_id).where(going)
    stays = sa.exists().where(run_files.c.sha256 == documents.c.sha256, run_files.c.run_id.not_in(leaving))
    sums = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(documents.c.size), 0)).where(~stays)
    found, size = connection.execute(sums).one()
    return count, connection.scalar(letters.where(going)) or 0, found, int(size)


def runs_over(connection: sa.Connection, sha256: str) -> dict[str, str]:
    """Every run over a document, with its status."""
    query = (
        sa.select(runs.c.run_id, runs.c.status)
        .join(run_files, run_files.c.run_id == runs.c.run_id)
        .where(run_files.c.sha256 == sha256)
        .distinct()
    )
    return {row.run_id: row.status for row in connection.execute(query)}


def batches_with(connection: sa.Connection, run_ids: Sequence[str]) -> list[str]:
    """Batches that have one of these runs as an item."""
    found: set[str] = set()
    for at in range(0, len(run_ids), _CHUNK):
        i = batch_items.c
        found |= set(connection.scalars(sa.select(i.batch_id).where(i.run_id.in_(run_ids[at : at + _CHUNK]))))
    return sorted(found)


def kept_runs(connection: sa.Connection, run_ids: Sequence[str]) -> set[str]:
    """Which of these runs are open or paused: their engine rows must stay."""
    query = sa.select(runs.c.run_id).where(runs.c.run_id.in_(run_ids), runs.c.status.not_in(_ENDED))
    return set(connection.scalars(query))
