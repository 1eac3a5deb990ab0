"""Schedule runs in the rows: every move is compare-and-set, every occurrence unique."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop.clock import to_datetime
from nightdrop.ids import new_id
from nightdrop.records.schedule import ScheduleRun, ScheduleRunStatus
from nightdrop.store.insert import insert_ignore
from nightdrop.store.tables import batches, executors, schedule_runs

_OPEN = ("pending", "running")


def add_schedule_run(
    connection: sa.Connection, schedule_id: str, scheduled_for: int, status: str, **values: Any
) -> str | None:
    """Insert the row of an occurrence; None when it is there already."""
    row_id = new_id()
    row = {"id": row_id, "schedule_id": schedule_id, "scheduled_for": scheduled_for, "attempt": 1, "status": status}
    query = insert_ignore(connection.dialect.name, schedule_runs).values({**row, **values})
    found = connection.execute(query.returning(schedule_runs.c.id)).first()
    return None if found is None else row_id


def move_schedule_run(connection: sa.Connection, row_id: str, seen: str, values: Mapping[str, Any]) -> bool:
    """Change a row that still has the status that was seen; False when it has moved on."""
    c = schedule_runs.c
    query = sa.update(schedule_runs).where(c.id == row_id, c.status == seen).values(dict(values))
    return connection.execute(query).rowcount == 1


def load_schedule_run(connection: sa.Connection, row_id: str) -> ScheduleRun | None:
    """One row, None when there is no such row."""
    row = connection.execute(sa.select(schedule_runs).where(schedule_runs.c.id == row_id)).mappings().first()
    return None if row is None else _record(row)


def open_schedule_runs(connection: sa.Connection, schedule_id: str | None = None) -> list[ScheduleRun]:
    """Rows that have not ended, oldest occurrence first; of one schedule, if given."""
    c = schedule_runs.c
    query = sa.select(schedule_runs).where(c.status.in_(_OPEN)).order_by(c.scheduled_for, c.attempt)
    if schedule_id is not None:
        query = query.where(c.schedule_id == schedule_id)
    return [_record(row) for row in connection.execute(query).mappings()]


def ready_schedule_runs(connection: sa.Connection, now_ms: int, limit: int = 500) -> list[ScheduleRun]:
    """Pending rows whose time to begin has come, oldest first."""
    c = schedule_runs.c
    query = sa.select(schedule_runs).where(c.status == "pending", c.not_before <= now_ms)
    return [_record(r) for r in connection.execute(query.order_by(c.scheduled_for, c.id).limit(limit)).mappings()]


def unlisted_schedule_runs(connection: sa.Connection, executor_id: str) -> list[tuple[ScheduleRun, str | None]]:
    """Running rows whose documents are not all listed, that this process or a dead one has in hand; with that one."""
    c = schedule_runs.c
    alive = sa.exists().where(executors.c.executor_id == c.executor_id)
    query = (
        sa.select(schedule_runs)
        .join(batches, batches.c.batch_id == c.batch_id)
        .where(c.status == "running", batches.c.accepted_at.is_(None), sa.or_(c.executor_id == executor_id, ~alive))
    )
    return [(_record(row), row["executor_id"]) for row in connection.execute(query).mappings()]


def take_over(connection: sa.Connection, row_id: str, seen: str | None, executor_id: str) -> bool:
    """List a dead process's documents from now on; False when another process does."""
    c = schedule_runs.c
    query = sa.update(schedule_runs).where(c.id == row_id, c.executor_id.is_not_distinct_from(seen))
    return connection.execute(query.values(executor_id=executor_id)).rowcount == 1


def list_schedule_runs(
    connection: sa.Connection,
    *,
    schedule_id: str | None = None,
    statuses: Sequence[ScheduleRunStatus] = (),
    since_ms: int | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[ScheduleRun]:
    """Rows, newest first, of one schedule or of all; `before` is the id the page starts after."""
    c = schedule_runs.c
    query = sa.select(schedule_runs).order_by(c.id.desc()).limit(limit)
    if schedule_id is not None:
        query = query.where(c.schedule_id == schedule_id)
    if statuses:
        query = query.where(c.status.in_([status.value for status in statuses]))
    if since_ms is not None:
        query = query.where(c.scheduled_for >= since_ms)
    if before is not None:
        query = query.where(c.id < before)
    return [_record(row) for row in connection.execute(query).mappings()]


def last_fires(connection: sa.Connection) -> dict[str, tuple[Any, str]]:
    """(when it was triggered, status) of each schedule's newest row that was begun, by schedule id."""
    c, newer = schedule_runs.c, schedule_runs.alias("newer")
    later = sa.exists().where(
        newer.c.schedule_id == c.schedule_id, newer.c.triggered_at.is_not(None), newer.c.id > c.id
    )
    query = sa.select(c.schedule_id, c.triggered_at, c.status).where(c.triggered_at.is_not(None), ~later)
    return {row.schedule_id: (to_datetime(row.triggered_at), row.status) for row in connection.execute(query)}


def is_scheduler(connection: sa.Connection, executor_id: str) -> bool:
    """Whether a lease says of its process that it fires schedules."""
    c = executors.c
    return (
        connection.execute(sa.select(c.executor_id).where(c.executor_id == executor_id, c.scheduler)).first()
        is not None
    )


def set_scheduler(connection: sa.Connection, executor_id: str) -> None:
    """Say of this process's lease that it fires schedules."""
    c = executors.c
    connection.execute(sa.update(executors).where(c.executor_id == executor_id, ~c.scheduler).values(scheduler=True))


def _record(row: sa.RowMapping) -> ScheduleRun:
    return ScheduleRun(
        id=row["id"],
        schedule_id=row["schedule_id"],
        scheduled_for=to_datetime(row["scheduled_for"]),
        attempt=row["attempt"],
        triggered_at=to_datetime(row["triggered_at"]),
        completed_at=to_datetime(row["completed_at"]),
        status=ScheduleRunStatus(row["status"]),
        status_code=row["status_code"],
        run_id=row["run_id"],
        batch_id=row["batch_id"],
        error=row["error"],
    )
