"""The life of an attempt in the rows: claimed, running, ended, released. Every move is compare-and-set."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.records.check import Check, checks_text
from nightdrop.records.field import FieldResult
from nightdrop.records.request import Claimed, Subject
from nightdrop.records.run import RunStatus
from nightdrop.records.run_error import RunError
from nightdrop.store.dead_letters import letter_row
from nightdrop.store.tables import batch_items, dead_letters, runs

_OPEN = ("PENDING", "RUNNING")

SUSPECT_AFTER = 2
"""Deaths of processes that had a run running, after which it runs alone."""

# The statements of every document are built once: building one costs as much as running it.
_THIS_ATTEMPT = (
    runs.c.run_id == sa.bindparam("of_run"),
    runs.c.attempt == sa.bindparam("of_attempt"),
    runs.c.status.in_(_OPEN),
)
_START = (
    sa.update(runs)
    .where(*_THIS_ATTEMPT, runs.c.executor_id == sa.bindparam("of_executor"), runs.c.cancel_requested.is_(False))
    .values(status=RunStatus.RUNNING.value, started_at=sa.func.coalesce(runs.c.started_at, sa.bindparam("now")))
)
_COMPLETE = (
    sa.update(runs)
    .where(*_THIS_ATTEMPT)
    .values(
        status=RunStatus.COMPLETED.value,
        content=sa.bindparam("content"),
        fields=sa.bindparam("fields"),
        checks=sa.bindparam("checks"),
        completed_at=sa.bindparam("completed_at"),
    )
)


def claim(
    connection: sa.Connection,
    executor_id: str,
    subjects: Sequence[Subject],
    *,
    now_ms: int,
    limit: int,
    batch_id: str | None = None,
    suspects: bool = False,
    without: Sequence[str] = (),
) -> list[Claimed]:
    """Take up to `limit` queued runs that this registry can execute (of one batch only, if given), in order, and as
    many of each agent or workflow while each has some.

    suspects: only those that were running when processes died, instead of only the others. without: no runs of these
    batches. Two processes never get the same run: SQLite holds the write lock, Postgres skips locked rows.
    """
    claimed: list[Claimed] = []
    left = random.sample(subjects, len(subjects))  # nobody is first each time
    while left and len(claimed) < limit:
        quota = max(1, (limit - len(claimed)) // len(left))
        more = []
        for subject in left:
            query = _queued(subject, now_ms, batch_id, suspects, without).limit(min(quota, limit - len(claimed)))
            found = connection.execute(query).all() if len(claimed) < limit else []
            claimed += _hand_over(connection, executor_id, found)
            if len(found) == quota:
                more.append(subject)
        left = more
    return claimed


def _hand_over(connection: sa.Connection, executor_id: str, found: Sequence[Any]) -> list[Claimed]:
    if found:
        connection.execute(
            sa.update(runs)
            .where(runs.c.run_id.in_([r.run_id for r in found]))
            .values(executor_id=executor_id, dispatches=runs.c.dispatches + 1)
        )
    return [
        Claimed(run_id=r.run_id, attempt=r.attempt, dispatches=r.dispatches + 1, continued=bool(r.continued))
        for r in found
    ]


def _queued(
    subject: Subject,
    now_ms: int | None,
    batch_id: str | None,
    suspects: bool,
    without: Sequence[str],
    *,
    lock: bool = True,
) -> sa.Select[Any]:
    c = runs.c
    query = (
        sa.select(c.run_id, c.attempt, c.dispatches, c.decisions.is_not(None).label("continued"))
        .where(
            c.status == sa.literal_column("'PENDING'"),  # literal, so that the partial index is used
            c.executor_id.is_(None),
            c.subject_id == subject.id,
            c.revision == subject.revision,
            c.kind == subject.kind,
            c.not_before <= (sa.bindparam("now") if now_ms is None else now_ms),
            c.deaths >= SUSPECT_AFTER if suspects else c.deaths < SUSPECT_AFTER,
        )
        .order_by(c.priority, c.rank, c.run_id)
    )
    if without:
        query = query.where(sa.or_(c.batch_id.is_(None), c.batch_id.not_in(without)))
    if lock:
        query = query.with_for_update(skip_locked=True)
    if batch_id is not None:
        i = batch_items.c
        query = query.where(sa.exists().where(i.batch_id == batch_id, i.run_id == c.run_id))
    return query


def has_queued(
    connection: sa.Connection,
    subject: Subject,
    now_ms: int,
    batch_id: str | None = None,
    *,
    suspects: bool = False,
    without: tuple[str, ...] = (),
) -> bool:
    """Whether `claim` would find anything; takes no lock."""
    return connection.execute(_look(subject, batch_id, suspects, without), {"now": now_ms}).first() is not None


@functools.lru_cache(maxsize=1024)
def _look(subject: Subject, batch_id: str | None, suspects: bool, without: tuple[str, ...]) -> sa.Select[Any]:
    """Asked ten times a second by every idle process: built once."""
    return _queued(subject, None, batch_id, suspects, without, lock=False).limit(1)


def open_runs(connection: sa.Connection, executor_id: str) -> list[str]:
    """Runs whose rows say that this executor has them."""
    query = sa.select(runs.c.run_id).where(runs.c.executor_id == executor_id, runs.c.status.in_(_OPEN))
    return list(connection.scalars(query))


def start(connection: sa.Connection, run_id: str, attempt: int, executor_id: str, now_ms: int) -> bool:
    """Mark a dispatched attempt RUNNING. False: it was cancelled, taken by another executor, or has ended."""
    key = {"of_run": run_id, "of_attempt": attempt, "of_executor": executor_id, "now": now_ms}
    return connection.execute(_START, key).rowcount == 1


def complete(
    connection: sa.Connection,
    run_id: str,
    attempt: int,
    *,
    content: Any,
    fields: Mapping[str, FieldResult],
    now_ms: int,
    checks: tuple[Check, ...] = (),
) -> bool:
    """Commit a valid result with its status, in one statement. False: another writer ended this attempt first."""
    values = {
        "of_run": run_id,
        "of_attempt": attempt,
        "content": json.dumps(content, ensure_ascii=False),
        "fields": json.dumps({p: f.to_json() for p, f in fields.items()}, ensure_ascii=False) if fields else None,
        "checks": checks_text(checks),
        "completed_at": now_ms,
    }
    return connection.execute(_COMPLETE, values).rowcount == 1


def fail(
    connection: sa.Connection,
    run_id: str,
    attempt: int,
    error: RunError,
    *,
    now_ms: int,
    raw_answer: str | None = None,
) -> bool:
    """End an attempt in ERROR with its dead letter. False: another writer ended this attempt first."""
    won = _end(
        connection,
        run_id,
        attempt,
        status=RunStatus.ERROR.value,
        error_code=error.code,
        error_message=error.message,
        error_retryable=error.retryable,
        completed_at=now_ms,
    )
    if won:
        connection.execute(sa.insert(dead_letters).values(letter_row(run_id, attempt, error, now_ms, raw_answer)))
    return won


def postpone(
    connection: sa.Connection,
    run_id: str,
    attempt: int,
    *,
    executor_id: str,
    not_before: int,
    waits_for: str | None = None,
) -> bool:
    """Put an attempt that runs here back in the queue until a time: what a long wait does.

    waits_for: the paused provider or the budget it waits for. One asked to stop ends here.

    False: another executor has it meanwhile, or it has ended.
    """
    c = runs.c
    asked = c.cancel_requested.is_(True)
    moved = connection.execute(
        sa.update(runs)
        .where(c.run_id == run_id, c.attempt == attempt, c.status == "RUNNING", c.executor_id == executor_id)
        .values(
            status=sa.case((asked, RunStatus.CANCELLED.value), else_=RunStatus.PENDING.value),
            completed_at=sa.case((asked, clock.now_ms()), else_=sa.null()),
            executor_id=None,
            not_before=not_before,
            waits_for=waits_for,
        )
    )
    return moved.rowcount == 1


def cancel(connection: sa.Connection, run_ids: Sequence[str], now_ms: int) -> int:
    """Ask runs to stop: a waiting or paused one is CANCELLED at once, a running one at its next await.

    Returns how many.
    """
    c = runs.c
    asked = connection.execute(
        sa.update(runs).where(c.run_id.in_(run_ids), c.status.in_((*_OPEN, "PAUSED"))).values(cancel_requested=True)
    ).rowcount
    connection.execute(
        sa.update(runs)
        .where(c.run_id.in_(run_ids), c.status.in_(("PENDING", "PAUSED")))
        .values(status=RunStatus.CANCELLED.value, completed_at=now_ms)
    )
    return asked


def mark_cancelled(connection: sa.Connection, run_id: str, attempt: int, now_ms: int) -> bool:
    """End a running attempt that was asked to stop."""
    return _end(connection, run_id, attempt, status=RunStatus.CANCELLED.value, completed_at=now_ms)


def mark_if_cancelled(connection: sa.Connection, run_id: str, attempt: int, now_ms: int) -> bool:
    """End an open attempt that was asked to stop before it ran."""
    c = runs.c
    moved = connection.execute(
        sa.update(runs)
        .where(c.run_id == run_id, c.attempt == attempt, c.status.in_(_OPEN), c.cancel_requested.is_(True))
        .values(status=RunStatus.CANCELLED.value, completed_at=now_ms)
    )
    return moved.rowcount == 1


def cancelled_among(connection: sa.Connection, executor_id: str) -> list[str]:
    """Running runs of this executor that were asked to stop."""
    c = runs.c
    return list(
        connection.scalars(
            sa.select(c.run_id).where(c.executor_id == executor_id, c.status.in_(_OPEN), c.cancel_requested.is_(True))
        )
    )


def _end(connection: sa.Connection, run_id: str, attempt: int, **values: Any) -> bool:
    moved = connection.execute(
        sa.update(runs).where(*_THIS_ATTEMPT).values(**values), {"of_run": run_id, "of_attempt": attempt}
    )
    return moved.rowcount == 1
