"""Schedules in the rows. The unique name and the compare-and-set of `next_fire_at` hold between processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from nightdrop.clock import to_datetime
from nightdrop.records.schedule import Schedule
from nightdrop.store.insert import insert_ignore
from nightdrop.store.tables import schedule_files, schedules

_TIMES = ("next_fire_at", "created_at", "updated_at")


def add_schedule(connection: sa.Connection, values: Mapping[str, Any]) -> bool:
    """Insert a schedule; False when there is one of its name."""
    row = {**values, "payload": json.dumps(values["payload"])}
    query = insert_ignore(connection.dialect.name, schedules).values(row).returning(schedules.c.id)
    return connection.execute(query).first() is not None


def find_schedule(connection: sa.Connection, key: str, *, lock: bool = False) -> Schedule | None:
    """A schedule by id, else by name. lock: nobody else changes it before this transaction ends."""
    for column in (schedules.c.id, schedules.c.name):
        query = sa.select(schedules).where(column == key)
        row = connection.execute(query.with_for_update() if lock else query).mappings().first()
        if row is not None:
            return _schedule(row)
    return None


def list_schedules(
    connection: sa.Connection, *, enabled: bool | None = None, before: str | None = None, limit: int | None = None
) -> list[Schedule]:
    """Schedules, newest first; `before` is the id the page starts after."""
    query = sa.select(schedules).order_by(schedules.c.id.desc())
    if enabled is not None:
        query = query.where(schedules.c.enabled.is_(enabled))
    if before is not None:
        query = query.where(schedules.c.id < before)
    return [_schedule(row) for row in connection.execute(query.limit(limit)).mappings()]


def change_schedule(connection: sa.Connection, schedule_id: str, values: Mapping[str, Any]) -> bool:
    """Change columns of a schedule; False when there is no such schedule."""
    row = dict(values)
    if "payload" in row:
        row["payload"] = json.dumps(row["payload"])
    query = sa.update(schedules).where(schedules.c.id == schedule_id).values(row)
    return connection.execute(query).rowcount == 1


def delete_schedule(connection: sa.Connection, schedule_id: str) -> bool:
    """Delete a schedule and what it remembers of files; its runs stay, they are the audit."""
    connection.execute(sa.delete(schedule_files).where(schedule_files.c.schedule_id == schedule_id))
    return connection.execute(sa.delete(schedules).where(schedules.c.id == schedule_id)).rowcount == 1


def due_schedules(connection: sa.Connection, now_ms: int, limit: int = 500) -> list[tuple[Schedule, int]]:
    """Schedules whose time has come, each with that time."""
    c = schedules.c
    query = sa.select(schedules).where(c.next_fire_at <= now_ms).order_by(c.next_fire_at, c.id).limit(limit)
    return [(_schedule(row), int(row["next_fire_at"])) for row in connection.execute(query).mappings()]


def is_free(connection: sa.Connection, schedule_id: str, seen: int) -> bool:
    """Whether the next time is still as seen, and no other process is at it; locks it for this transaction."""
    c = schedules.c
    query = sa.select(c.id).where(c.id == schedule_id, c.next_fire_at == seen)
    return connection.execute(query.with_for_update(skip_locked=True)).first() is not None


def move_next(connection: sa.Connection, schedule_id: str, seen: int, following: int | None) -> bool:
    """Move the next time on; False when another process did, or the schedule was changed meanwhile."""
    c = schedules.c
    query = sa.update(schedules).where(c.id == schedule_id, c.next_fire_at == seen, c.enabled.is_(True))
    return connection.execute(query.values(next_fire_at=following)).rowcount == 1


def next_times(connection: sa.Connection) -> tuple[int, int | None]:
    """How many schedules are enabled, and the earliest next time."""
    c = schedules.c
    query = sa.select(sa.func.count(), sa.func.min(c.next_fire_at)).where(c.enabled.is_(True))
    count, first = connection.execute(query).one()
    return int(count), first


def _schedule(row: sa.RowMapping) -> Schedule:
    values: dict[str, Any] = dict(row)
    values.update({name: to_datetime(row[name]) for name in _TIMES}, payload=json.loads(row["payload"]))
    return Schedule(**values)
