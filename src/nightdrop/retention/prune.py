"""Pruning: ended runs from before a time go, with everything that nothing else needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from nightdrop.engine import leftovers
from nightdrop.faults import reach
from nightdrop.retention.removal import CHUNK, remove_orphans, remove_unreferenced
from nightdrop.store import Database
from nightdrop.store import prune as rows
from nightdrop.store.deliveries import delete_deliveries
from nightdrop.store.documents import alone

_ORPHAN_MS = 86_400_000  # bytes without a row are left alone for a day: their accept may still be at work


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went: counts, and the bytes of the documents among it. engine_rows: workflows that DBOS kept. deliveries: of
    webhooks."""

    runs: int
    dead_letters: int
    documents: int
    bytes: int
    batches: int = 0
    engine_rows: int = 0
    orphans: int = 0
    deliveries: int = 0

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json`."""
        return asdict(self)


def would_prune(db: Database, cutoff_ms: int, *, dead_letters: bool = False) -> Pruned:
    """What `prune` would delete now, of runs and documents."""
    with db.read() as connection:
        runs, letters, documents, size = rows.would_go(connection, cutoff_ms, dead_letters)
    return Pruned(runs=runs, dead_letters=letters, documents=documents, bytes=size)


def prune(db: Database, cutoff_ms: int, *, now_ms: int, dead_letters: bool = False) -> Pruned:
    """Delete runs that ended before the cutoff; open and paused ones stay, whatever their age.

    dead_letters: also those with an open dead letter. In short transactions, beside working processes. Killed
    anywhere, the next prune goes on: engine rows go first, then our rows, then bytes.
    """
    runs = letters = engine_rows = 0
    after = ""
    while True:
        with db.read() as connection:
            chunk = rows.prunable_runs(connection, cutoff_ms, dead_letters, after=after, limit=CHUNK)
        if not chunk:
            break
        after = max(chunk)
        engine_rows += leftovers.forget_attempts(db, chunk)
        reach("prune.engine")
        delete = partial(_delete, chunk=list(chunk), cutoff_ms=cutoff_ms, dead_letters=dead_letters)
        gone, gone_letters = db.transact(delete)
        reach("prune.committed")
        runs, letters = runs + gone, letters + gone_letters
    batches = db.transact(partial(_delete_batches, cutoff_ms=cutoff_ms, dead_ms=now_ms - _ORPHAN_MS))
    documents, size = remove_unreferenced(db)
    engine_rows += leftovers.forget_old_attempts(db, cutoff_ms, partial(_kept, db))
    return Pruned(
        runs=runs,
        dead_letters=letters,
        documents=documents,
        bytes=size,
        batches=batches,
        engine_rows=engine_rows,
        orphans=remove_orphans(db, now_ms - _ORPHAN_MS),
        deliveries=_delete_deliveries(db, cutoff_ms),
    )


def _delete(connection: sa.Connection, chunk: Sequence[str], cutoff_ms: int, dead_letters: bool) -> tuple[int, int]:
    alone(connection)
    going = rows.still_prunable(connection, chunk, cutoff_ms, dead_letters)
    letters = rows.delete_runs(connection, going)
    reach("prune.commit")
    return len(going), letters


def _delete_batches(connection: sa.Connection, cutoff_ms: int, dead_ms: int) -> int:
    alone(connection)
    return rows.delete_empty_batches(connection, cutoff_ms, dead_ms)


def _delete_deliveries(db: Database, cutoff_ms: int) -> int:
    total = 0
    while gone := db.transact(partial(delete_deliveries, before_ms=cutoff_ms, limit=CHUNK)):
        total += gone
    return total


def _kept(db: Database, run_ids: Sequence[str]) -> set[str]:
    with db.read() as connection:
        return rows.kept_runs(connection, run_ids)
