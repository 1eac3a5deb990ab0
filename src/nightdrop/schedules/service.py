"""What can be done with schedules: plain functions over a database, for Python, the command line and HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import ScheduleExists, ScheduleInvalid, ScheduleNotFound
from nightdrop.ids import new_id
from nightdrop.records.schedule import Schedule, ScheduleRun, ScheduleRunStatus
from nightdrop.schedules.cron import check_cron, next_after
from nightdrop.schedules.payload import read_payload
from nightdrop.store import Database
from nightdrop.store import schedule_runs as run_rows
from nightdrop.store import schedules as rows

IfExists = Literal["raise", "skip", "update"]

_ENDPOINT = re.compile(r"/(agents|workflows)/[^/\s]+/runs")
_DEFAULTS: Mapping[str, Any] = {
    "method": "POST",
    "payload": {},
    "timezone": "UTC",
    "timeout_seconds": 3600,
    "max_retries": 0,
    "retry_delay_seconds": 60,
    "catch_up": "one",
    "overlap": "skip",
    "description": None,
    "enabled": True,
}
_CHOICES = {"method": ("POST",), "catch_up": ("one", "all", "none"), "overlap": ("skip", "queue", "allow")}
_RANGES = {"timeout_seconds": (1, 30 * 86_400), "max_retries": (0, 100), "retry_delay_seconds": (0, 86_400)}


def create_schedule(
    db: Database, fields: Mapping[str, Any], *, if_exists: IfExists = "raise", now_ms: int | None = None
) -> Schedule:
    """Make a schedule of these fields. Raises ScheduleInvalid that names the field, ScheduleExists."""
    if if_exists not in ("raise", "skip", "update"):
        raise ScheduleInvalid(f"{if_exists!r}: choose raise, skip or update", field="if_exists")
    values = _checked({**_DEFAULTS, **fields})
    now = clock.now_ms() if now_ms is None else now_ms

    def commit(connection: sa.Connection) -> Schedule:
        row = {**values, "id": new_id(), "next_fire_at": _next(values, now), "created_at": now, "updated_at": now}
        if not rows.add_schedule(connection, row):
            if if_exists == "raise":
                raise ScheduleExists(f"there is a schedule named {values['name']!r}; if_exists= says what to do then")
            found = _found(rows.find_schedule(connection, values["name"], lock=True), values["name"])
            if if_exists == "update":
                _change(connection, found, {n: values[n] for n in values if n != "name"}, now)
        return _found(rows.find_schedule(connection, values["name"]), values["name"])

    return db.transact(commit)


def list_all(
    db: Database, *, enabled: bool | None = None, before: str | None = None, limit: int | None = None
) -> list[Schedule]:
    """Schedules, newest first."""
    with db.read() as connection:
        return rows.list_schedules(connection, enabled=enabled, before=before, limit=limit)


def get_schedule(db: Database, key: str) -> Schedule:
    """A schedule by id or name. Raises ScheduleNotFound."""
    with db.read() as connection:
        return _found(rows.find_schedule(connection, key), key)


def update_schedule(db: Database, key: str, fields: Mapping[str, Any], *, now_ms: int | None = None) -> Schedule:
    """Change fields. A new cron expression or time zone counts from now. Raises ScheduleNotFound, ScheduleInvalid."""
    now = clock.now_ms() if now_ms is None else now_ms

    def commit(connection: sa.Connection) -> Schedule:
        found = _found(rows.find_schedule(connection, key, lock=True), key)
        name = fields.get("name", found.name)
        other = rows.find_schedule(connection, name) if name != found.name else None
        if other is not None:
            raise ScheduleExists(f"there is a schedule named {name!r}")
        _change(connection, found, fields, now)
        return _found(rows.find_schedule(connection, found.id), key)

    return db.transact(commit)


def delete_schedule(db: Database, key: str) -> None:
    """Delete a schedule; its runs stay as the audit, and what is running goes on. Raises ScheduleNotFound."""

    def commit(connection: sa.Connection) -> None:
        found = _found(rows.find_schedule(connection, key, lock=True), key)
        for row in run_rows.open_schedule_runs(connection, found.id):
            gone = {"status": "skipped", "completed_at": clock.now_ms(), "error": "the schedule was deleted"}
            run_rows.move_schedule_run(connection, row.id, "pending", gone)
        rows.delete_schedule(connection, found.id)

    db.transact(commit)


def trigger_schedule(db: Database, key: str, *, now_ms: int | None = None) -> ScheduleRun:
    """Fire it now, disabled or not: a pending row that the next process with a scheduler begins."""
    now = clock.now_ms() if now_ms is None else now_ms

    def commit(connection: sa.Connection) -> ScheduleRun:
        found = _found(rows.find_schedule(connection, key, lock=True), key)
        moment = now
        while (row_id := run_rows.add_schedule_run(connection, found.id, moment, "pending")) is None:
            moment += 1  # an occurrence has this very millisecond
        row = run_rows.load_schedule_run(connection, row_id)
        assert row is not None
        return row

    return db.transact(commit)


def get_runs(
    db: Database,
    key: str | None = None,
    *,
    status: str | Sequence[str] | None = None,
    since: datetime | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[ScheduleRun]:
    """Fires, newest first, of one schedule or of all. Also of a deleted one, by its id. Raises ScheduleInvalid."""
    wanted = [status] if isinstance(status, str) else list(status or ())
    try:
        statuses = [ScheduleRunStatus(name) for name in wanted]
    except ValueError as error:
        raise ScheduleInvalid(f"choose one of {', '.join(ScheduleRunStatus)}", field="status") from error
    with db.read() as connection:
        found = None if key is None else rows.find_schedule(connection, key)
        return run_rows.list_schedule_runs(
            connection,
            schedule_id=found.id if found else key,
            statuses=statuses,
            since_ms=None if since is None else clock.to_ms(since),
            before=before,
            limit=limit,
        )


def _found(schedule: Schedule | None, key: str) -> Schedule:
    if schedule is None:
        raise ScheduleNotFound(f"there is no schedule {key!r}")
    return schedule


def _change(connection: sa.Connection, found: Schedule, fields: Mapping[str, Any], now: int) -> None:
    before = {name: getattr(found, name) for name in ("name", "cron", "endpoint", *_DEFAULTS)}
    values = _checked({**before, **fields})
    changed = {name: value for name, value in values.items() if value != before[name]}
    if not changed:
        return
    if changed.keys() & {"cron", "timezone", "enabled"}:  # else what is due is not forgotten by an update
        changed["next_fire_at"] = _next(values, now)
    rows.change_schedule(connection, found.id, {**changed, "updated_at": now})


def _next(values: Mapping[str, Any], now: int) -> int | None:
    return next_after(values["cron"], values["timezone"], now) if values["enabled"] else None


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    for name in values:
        if name not in ("name", "cron", "endpoint", *_DEFAULTS):
            raise ScheduleInvalid("there is no such field", field=name)
    for name in ("name", "cron", "endpoint"):
        if not isinstance(values.get(name), str) or not values[name].strip():
            raise ScheduleInvalid("give text", field=name)
    check_cron(values["cron"], values["timezone"])
    if not _ENDPOINT.fullmatch(values["endpoint"]):
        raise ScheduleInvalid("give /agents/ID/runs or /workflows/ID/runs", field="endpoint")
    read_payload(values["payload"])
    _check_values(values)
    return dict(values)


def _check_values(values: Mapping[str, Any]) -> None:
    for name, choices in _CHOICES.items():
        if values[name] not in choices:
            raise ScheduleInvalid(f"{values[name]!r}: choose {' or '.join(choices)}", field=name)
    for name, (least, most) in _RANGES.items():
        number = values[name]
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
            raise ScheduleInvalid(f"{number!r}: give a whole number from {least} to {most}", field=name)
    if not isinstance(values["enabled"], bool):
        raise ScheduleInvalid("give true or false", field="enabled")
    if values["description"] is not None and not isinstance(values["description"], str):
        raise ScheduleInvalid("give text", field="description")
