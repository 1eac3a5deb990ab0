"""Closing: how a fire ended is read from its run or batch, by whichever process comes first."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import every_error
from nightdrop.faults import reach
from nightdrop.records.batch import BatchStatus
from nightdrop.records.schedule import Schedule, ScheduleRun
from nightdrop.store import schedule_runs as run_rows
from nightdrop.store.batch_control import retryable_runs
from nightdrop.store.batches import load_batch
from nightdrop.store.schedules import find_schedule
from nightdrop.store.tables import batch_items, runs

_CODES = {kind.code: kind.http_status for kind in every_error()}
ACCEPTED = 202
GATEWAY_TIMEOUT = 504


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a fire ended; completed_at in milliseconds: when its last document ended."""

    status: str
    status_code: int | None
    completed_at: int
    error: str | None = None
    retryable: bool = False


def end_of(connection: sa.Connection, row: ScheduleRun, now_ms: int) -> End | None:
    """How a running row ended, None while it is open."""
    if row.run_id is not None:
        return _end_of_run(connection, row.run_id, now_ms)
    return None if row.batch_id is None else _end_of_batch(connection, row.batch_id, now_ms)


def _end_of_run(connection: sa.Connection, run_id: str, now_ms: int) -> End | None:
    c = runs.c
    query = sa.select(c.status, c.error_code, c.error_message, c.error_retryable, c.completed_at)
    run = connection.execute(query.where(c.run_id == run_id)).first()
    if run is None:
        return End(status="failed", status_code=404, completed_at=now_ms, error="run_not_found: it was deleted")
    if run.status in ("PENDING", "RUNNING"):
        return None
    at = run.completed_at or now_ms
    if run.status == "COMPLETED":
        return End(status="success", status_code=200, completed_at=at)
    if run.status == "PAUSED":
        return End(status="partial", status_code=ACCEPTED, completed_at=at, error="paused: the run waits for a person")
    if run.status == "CANCELLED":
        return End(status="failed", status_code=409, completed_at=at, error="cancelled: somebody cancelled the run")
    return End(
        status="failed",
        status_code=_CODES.get(run.error_code, 500),
        completed_at=at,
        error=f"{run.error_code}: {run.error_message}",
        retryable=bool(run.error_retryable),
    )


def _end_of_batch(connection: sa.Connection, batch_id: str, now_ms: int) -> End | None:
    batch = load_batch(connection, batch_id)
    if batch is None:
        return End(status="failed", status_code=404, completed_at=now_ms, error="batch_not_found: it was deleted")
    if batch.status in (BatchStatus.ACCEPTING, BatchStatus.RUNNING) or batch.done < batch.total:
        return None
    at = now_ms if batch.completed_at is None else clock.to_ms(batch.completed_at)
    if batch.status is BatchStatus.CANCELLED:
        return End(status="failed", status_code=409, completed_at=at, error="cancelled: somebody cancelled the batch")
    waiting = _paused(connection, batch_id)
    reasons = [f"{n} of {batch.total} {what}" for n, what in ((batch.failed, "failed"), (waiting, "paused")) if n]
    if not reasons:
        return End(status="success", status_code=ACCEPTED, completed_at=at)
    return End(
        status="failed" if batch.failed == batch.documents else "partial",
        status_code=ACCEPTED,
        completed_at=at,
        error="documents: " + ", ".join(reasons),
        retryable=bool(retryable_runs(connection, batch_id)),
    )


def _paused(connection: sa.Connection, batch_id: str) -> int:
    query = sa.select(sa.func.count()).select_from(batch_items.join(runs, runs.c.run_id == batch_items.c.run_id))
    found = connection.execute(query.where(batch_items.c.batch_id == batch_id, runs.c.status == "PAUSED"))
    return int(found.scalar_one())


def deadline_of(row: ScheduleRun, schedule: Schedule | None) -> int | None:
    """When a running row has had its time, in milliseconds; None when nothing says."""
    if schedule is None or row.triggered_at is None:
        return None
    return clock.to_ms(row.triggered_at) + schedule.timeout_seconds * 1000


def timed_out(schedule: Schedule, now_ms: int) -> End:
    """The end of a fire whose run or batch was stopped at its timeout."""
    return End(
        status="timed_out",
        status_code=GATEWAY_TIMEOUT,
        completed_at=now_ms,
        error=f"it was open for more than timeout_seconds={schedule.timeout_seconds} and was cancelled",
        retryable=True,
    )


def close(connection: sa.Connection, row: ScheduleRun, end: End, now_ms: int) -> bool:
    """Write the end of a running row, with the row of its retry if there is to be one; False when another did."""
    values = {
        "status": end.status,
        "status_code": end.status_code,
        "completed_at": end.completed_at,
        "error": end.error,
    }
    if not run_rows.move_schedule_run(connection, row.id, "running", values):
        return False
    schedule = find_schedule(connection, row.schedule_id)
    if end.retryable and schedule is not None and row.attempt <= schedule.max_retries:
        assert row.scheduled_for is not None
        run_rows.add_schedule_run(
            connection,
            row.schedule_id,
            clock.to_ms(row.scheduled_for),
            "pending",
            attempt=row.attempt + 1,
            not_before=now_ms + schedule.retry_delay_seconds * 1000,
            run_id=row.run_id,
            batch_id=row.batch_id,
        )
    reach("close.commit")
    return True
