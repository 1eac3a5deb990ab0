"""Trying one ended run again, by its id."""

from __future__ import annotations

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import LetterWithoutBytes, RunNotEnded, RunNotFound
from nightdrop.faults import reach
from nightdrop.store.accept import try_again
from nightdrop.store.database import Database
from nightdrop.store.tables import documents, run_files, runs


def retry_run(db: Database, run_id: str) -> int:
    """Queue a run that ended in ERROR or CANCELLED for another attempt, and return the attempt's number.

    Raises RunNotFound, RunNotEnded (also for one that a newer run of its session replaced), LetterWithoutBytes.
    """
    c, f = runs.c, run_files.c

    def commit(connection: sa.Connection) -> int:
        query = sa.select(c.status, c.attempt, c.is_current).where(c.run_id == run_id)
        run = connection.execute(query.with_for_update()).first()
        if run is None:
            raise RunNotFound(f"there is no run {run_id!r} in {db.label}")
        if not run.is_current:
            raise RunNotEnded(f"run {run_id} was replaced by a newer run of its session: that one counts")
        lacking = sa.select(f.source).outerjoin(documents, documents.c.sha256 == f.sha256)
        if connection.execute(lacking.where(f.run_id == run_id, documents.c.sha256.is_(None))).first() is not None:
            raise LetterWithoutBytes(f"the store has no bytes of a document of run {run_id}: hand the file in again")
        if not try_again(connection, run_id, run.attempt, clock.now_ms()):
            raise RunNotEnded(f"run {run_id} is {run.status}: only one in ERROR or CANCELLED can be tried again")
        reach("replay.commit")
        return int(run.attempt) + 1

    attempt = db.transact(commit)
    reach("replay.committed")
    return attempt
