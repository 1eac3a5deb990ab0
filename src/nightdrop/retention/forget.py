"""Forgetting one document: its bytes, its runs, and every text that was derived from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from nightdrop.engine import leftovers
from nightdrop.errors import DocumentInUse, DocumentNotFound
from nightdrop.faults import reach
from nightdrop.records.run import RunStatus
from nightdrop.retention.removal import remove_leaving
from nightdrop.store import Database
from nightdrop.store import prune as rows
from nightdrop.store.documents import alone, is_stored, mark_unreferenced
from nightdrop.store.erase import erase_free_space
from nightdrop.store.table_blobs import TableBlobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was erased: runs over the document, their dead letters, and whether its bytes were in the store."""

    sha256: str
    runs: int
    dead_letters: int
    stored: bool

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json`."""
        return asdict(self)


def forget(db: Database, sha256: str) -> Forgotten:
    """Erase a document and all that was derived from it, from rows, bytes and the free space of the database.

    What its model calls cost stays as amounts. Raises DocumentNotFound, and DocumentInUse while a run over it is
    open. Killed anywhere, the same call again goes on.
    """
    with db.read() as connection:
        runs, stored = rows.runs_over(connection, sha256), is_stored(connection, sha256)
        attempts = rows.attempts_of(connection, list(runs))
    if not runs and not stored:
        raise DocumentNotFound(f"there is no document {sha256!r} in {db.label}")
    _require_ended(sha256, runs)
    leftovers.forget_attempts(db, attempts)
    reach("prune.engine")
    gone, letters = db.transact(partial(_delete, sha256=sha256))
    reach("prune.committed")
    erase_free_space(db)  # the document's own row is still there: killed here, the same call goes on
    remove_leaving(db, scrub=True)
    if isinstance(db.blobs, TableBlobs):
        erase_free_space(db)  # its bytes were rows too
    return Forgotten(sha256=sha256, runs=gone, dead_letters=letters, stored=stored)


def _delete(connection: sa.Connection, sha256: str) -> tuple[int, int]:
    """Delete the runs over a document and mark it as leaving; returns how many, and how many letters."""
    alone(connection)
    runs = rows.runs_over(connection, sha256)
    _require_ended(sha256, runs)
    touched = rows.batches_with(connection, list(runs))
    letters = rows.delete_runs(connection, list(runs))
    rows.delete_batches_without_items(connection, touched)
    mark_unreferenced(connection, [sha256])
    reach("prune.commit")
    return len(runs), letters


def _require_ended(sha256: str, runs: dict[str, str]) -> None:
    still = sorted(run_id for run_id, status in runs.items() if RunStatus(status).is_open)
    if still:
        raise DocumentInUse(
            f"{len(still)} runs over {sha256} are open: run `nightdrop runs cancel {' '.join(still[:10])}` first"
        )
