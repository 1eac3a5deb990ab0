"""Trying one ended run again, by its id: what failed of it, or everything from one of its steps."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import LetterWithoutBytes, RunNotEnded, RunNotFound, StepNotFound
from nightdrop.faults import reach
from nightdrop.records.request import RunRequest, Subject
from nightdrop.records.run import FileRef
from nightdrop.store.accept import accept, try_again
from nightdrop.store.database import Database
from nightdrop.store.steps import copy_steps, recorded_paths, set_aside
from nightdrop.store.tables import documents, run_files, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """The run that is queued, and its attempt: the same run, or a new one in place of a COMPLETED one."""

    run_id: str
    attempt: int


def retry_run(db: Database, run_id: str, *, from_step: str | None = None) -> Retried:
    """Queue a run that ended in ERROR or CANCELLED for another attempt; what is recorded of a workflow's is kept.

    from_step: the path of a step: it is done again, and all that was recorded after it; what was before is kept. A
    COMPLETED run is replaced by a new one then. Raises RunNotFound, RunNotEnded (also for one that a newer run of its
    session replaced), StepNotFound, LetterWithoutBytes.
    """

    def commit(connection: sa.Connection) -> Retried:
        run = connection.execute(sa.select(runs).where(runs.c.run_id == run_id).with_for_update()).mappings().first()
        if run is None:
            raise RunNotFound(f"there is no run {run_id!r} in {db.label}")
        if not run["is_current"]:
            raise RunNotEnded(f"run {run_id} was replaced by a newer run of its session: that one counts")
        _check_documents(connection, run_id)
        queued = _again(connection, run) if from_step is None else _from_step(connection, run, from_step)
        reach("replay.commit")
        return queued

    queued = db.transact(commit)
    reach("replay.committed")
    return queued


def _check_documents(connection: sa.Connection, run_id: str) -> None:
    f = run_files.c
    lacking = sa.select(f.source).outerjoin(documents, documents.c.sha256 == f.sha256)
    if connection.execute(lacking.where(f.run_id == run_id, documents.c.sha256.is_(None))).first() is not None:
        raise LetterWithoutBytes(f"the store has no bytes of a document of run {run_id}: hand the file in again")


def _again(connection: sa.Connection, run: sa.RowMapping) -> Retried:
    run_id, attempt = str(run["run_id"]), int(run["attempt"])
    if not try_again(connection, run_id, attempt, clock.now_ms()):
        raise RunNotEnded(f"run {run_id} is {run['status']}: only one in ERROR or CANCELLED can be tried again")
    return Retried(run_id=run_id, attempt=attempt + 1)


def _from_step(connection: sa.Connection, run: sa.RowMapping, path: str) -> Retried:
    paths = recorded_paths(connection, run["run_id"])
    below = (f"{path}/", f"{path}[")
    first = min((at for at, known in paths if known == path or known.startswith(below)), default=None)
    if first is None:
        known = ", ".join(dict.fromkeys(known for _, known in paths)) or "none"
        raise StepNotFound(f"run {run['run_id']} has recorded no step {path!r}; it has: {known}")
    if run["status"] == "COMPLETED":
        return _instead(connection, run, first)
    queued = _again(connection, run)
    set_aside(connection, queued.run_id, first)
    return queued


def _instead(connection: sa.Connection, run: sa.RowMapping, first: int) -> Retried:
    """A new run in place of a COMPLETED one, which stays as history with its own results."""
    f = run_files.c
    files = connection.execute(sa.select(run_files).where(f.run_id == run["run_id"]).order_by(f.position)).mappings()
    request = RunRequest(
        subject=Subject(kind=run["kind"], id=run["subject_id"], revision=run["revision"]),
        message=run["message"],
        files=tuple(
            FileRef(sha256=r["sha256"], filename=r["filename"], mime_type=r["mime_type"], source=r["source"])
            for r in files
        ),
        session_id=run["session_id"],
        user_id=run["user_id"],
        metadata=json.loads(run["metadata"] or "{}"),
        priority=run["priority"],
        rerun=True,
    )
    (made,) = accept(connection, [request], clock.now_ms())
    copy_steps(connection, run["run_id"], made.run_id, first)
    return Retried(run_id=made.run_id, attempt=made.attempt)
