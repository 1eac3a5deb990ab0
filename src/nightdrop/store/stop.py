"""Stopping runs from outside the engine: flags in the rows, which every executor looks at once a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import BatchNotFound, RunNotFound
from nightdrop.faults import reach
from nightdrop.store.attempts import cancel
from nightdrop.store.batch_control import cancel_batch, cancel_own
from nightdrop.store.batches import load_batch
from nightdrop.store.database import Database
from nightdrop.store.load import statuses

_CHUNK = 500  # runs in one transaction: bounds how long the write lock is held


def stop_runs(db: Database, run_ids: Sequence[str]) -> int:
    """Ask runs to stop; returns how many were open. Raises RunNotFound before any is asked."""
    with db.read() as connection:
        for at in range(0, len(run_ids), _CHUNK):
            chunk = run_ids[at : at + _CHUNK]
            known = statuses(connection, chunk)
            for run_id in chunk:
                if run_id not in known:
                    raise RunNotFound(f"there is no run {run_id!r} in {db.label}")
    return _in_chunks(db, run_ids, lambda c, chunk: cancel(c, chunk, clock.now_ms()))


def stop_batch(db: Database, batch_id: str) -> int:
    """Cancel a batch and the runs that only it waits for; returns how many were open. Raises BatchNotFound."""

    def mark(connection: sa.Connection) -> list[str]:
        if load_batch(connection, batch_id) is None:
            raise BatchNotFound(f"there is no batch {batch_id!r} in {db.label}")
        return cancel_batch(connection, batch_id, clock.now_ms())

    def stop(connection: sa.Connection, chunk: Sequence[str]) -> int:
        return len(cancel_own(connection, batch_id, chunk, clock.now_ms()))

    return _in_chunks(db, db.transact(mark), stop)


def _in_chunks(db: Database, run_ids: Sequence[str], stop: Callable[[sa.Connection, Sequence[str]], int]) -> int:
    def commit(connection: sa.Connection, chunk: Sequence[str]) -> int:
        asked = stop(connection, chunk)
        reach("cancel.commit")
        return asked

    total = 0
    for at in range(0, len(run_ids), _CHUNK):
        total += db.transact(partial(commit, chunk=run_ids[at : at + _CHUNK]))
        reach("cancel.committed")
    return total
