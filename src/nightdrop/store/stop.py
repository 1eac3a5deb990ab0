"""Stopping runs from outside the engine: flags in the rows, which every executor looks at once a second."""

from __future__ import annotations

from collections.abc import Sequence

from nightdrop import clock
from nightdrop.errors import BatchNotFound, RunNotFound
from nightdrop.faults import reach
from nightdrop.store.attempts import cancel
from nightdrop.store.batches import cancel_batch, load_batch
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
    return _stop(db, run_ids)


def stop_batch(db: Database, batch_id: str) -> int:
    """Cancel a batch and the runs that only it waits for; returns how many were open. Raises BatchNotFound."""
    with db.write() as connection:
        if load_batch(connection, batch_id) is None:
            raise BatchNotFound(f"there is no batch {batch_id!r} in {db.label}")
        open_runs = cancel_batch(connection, batch_id, clock.now_ms())
    return _stop(db, open_runs)


def _stop(db: Database, run_ids: Sequence[str]) -> int:
    asked = 0
    for at in range(0, len(run_ids), _CHUNK):
        with db.write() as connection:
            asked += cancel(connection, run_ids[at : at + _CHUNK], clock.now_ms())
            reach("cancel.commit")
        reach("cancel.committed")
    return asked
