"""Pausing and continuing in the rows: a paused run is one row and nothing else; its answer queues it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import RunInReview, RunNotFound, RunNotPaused
from nightdrop.faults import reach
from nightdrop.pausing import as_json
from nightdrop.records.pause import Decision, Pause, decisions_of
from nightdrop.records.run import RunStatus
from nightdrop.store.database import Database
from nightdrop.store.review_rows import has_open_reviews
from nightdrop.store.tables import runs

_OPEN = ("PENDING", "RUNNING")


def pause(connection: sa.Connection, run_id: str, attempt: int, asked: Pause, now_ms: int) -> bool:
    """End an attempt PAUSED with its question; one that was asked to stop is CANCELLED.

    False: another writer ended this attempt first.
    """
    c = runs.c
    moved = connection.execute(
        sa.update(runs)
        .where(c.run_id == run_id, c.attempt == attempt, c.status.in_(_OPEN))
        .values(
            status=sa.case((c.cancel_requested.is_(True), RunStatus.CANCELLED.value), else_=RunStatus.PAUSED.value),
            pause=json.dumps(asked.to_json()),
            completed_at=now_ms,
        )
    )
    return moved.rowcount == 1


def continue_run(db: Database, run_id: str, answer: Any) -> str:
    """Commit the answer to what a paused run asked; any process may execute it then. Returns the run's revision.

    Raises RunNotPaused, RunInReview, RunNotFound, and UsageError for an answer that is no JSON data.
    """
    as_json(answer, "the answer")

    def commit(connection: sa.Connection) -> tuple[RunStatus | None, str]:
        found = decide(connection, run_id, answer, clock.now_ms())
        return found, str(connection.scalar(sa.select(runs.c.revision).where(runs.c.run_id == run_id)))

    found, revision = db.transact(commit)
    if found is None:
        raise RunNotFound(f"there is no run {run_id!r} in {db.label}")
    if found is not RunStatus.PAUSED:
        raise RunNotPaused(f"run {run_id} is {found.value}, not PAUSED: there is nothing to answer")
    reach("continue.committed")
    return revision


def decide(connection: sa.Connection, run_id: str, answer: Any, now_ms: int) -> RunStatus | None:
    """Answer a paused run and queue the same attempt again, for any process. Of two at once, one wins.

    Returns the status it found, None when there is no such run: only PAUSED was continued.
    """
    c = runs.c
    row = connection.execute(
        sa.select(c.status, c.pause, c.decisions, c.attempt).where(c.run_id == run_id).with_for_update()
    ).first()
    if row is None or row.status != RunStatus.PAUSED.value:
        return None if row is None else RunStatus(row.status)
    if has_open_reviews(connection, run_id, row.attempt):
        raise RunInReview(
            f"run {run_id} waits for decisions about single values: see `nightdrop reviews list --run {run_id}`"
        )
    decision = Decision(pause=Pause.from_json(json.loads(row.pause)), answer=answer, decided_at=now_ms)
    queue_paused(connection, run_id, [*decisions_of(row.decisions), decision])
    reach("continue.commit")
    return RunStatus.PAUSED


def queue_paused(connection: sa.Connection, run_id: str, decisions: Sequence[Decision]) -> None:
    """A paused run waits for a process again, the same attempt, with all that people have decided of it."""
    c = runs.c
    connection.execute(
        sa.update(runs)
        .where(c.run_id == run_id, c.status == RunStatus.PAUSED.value)
        .values(
            status=RunStatus.PENDING.value,
            executor_id=None,
            not_before=0,
            cancel_requested=False,
            completed_at=None,
            pause=None,
            decisions=decisions_text(decisions),
        )
    )


def decisions_text(decisions: Sequence[Decision]) -> str:
    """As they stand in a run's row."""
    return json.dumps([decision.to_json() for decision in decisions])
