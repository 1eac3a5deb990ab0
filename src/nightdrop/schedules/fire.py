"""Firing: the row, the run or batch and the next time in one transaction, so that a kill neither loses nor doubles."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.faults import reach
from nightdrop.records.request import RunRequest, Subject
from nightdrop.records.schedule import CatchUp, Schedule, ScheduleRun, ScheduleRunStatus
from nightdrop.schedules.cron import occurrences
from nightdrop.schedules.payload import read_payload
from nightdrop.store import schedule_runs as run_rows
from nightdrop.store.accept import accept
from nightdrop.store.batch_control import is_stopping, resume_batch, retryable_runs, try_all_again
from nightdrop.store.batches import open_batch
from nightdrop.store.executors import list_executors
from nightdrop.store.schedules import find_schedule, is_free, move_next
from nightdrop.store.turns import take_turn

GRACE_MS = 60_000
"""An occurrence that is later than this was missed: nobody was there to fire it."""

_CHUNK = 500  # missed occurrences written in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """The process that fires. now_ms: when it began to look. subject: the agent or workflow as it is loaded here, None
    if it is not."""

    executor_id: str
    now_ms: int
    subject: Callable[[str, str], Subject | None]
    began: float = field(default_factory=clock.monotonic)

    @property
    def at_ms(self) -> int:
        """The time now: when it began to look and what has gone by since."""
        return self.now_ms + int((clock.monotonic() - self.began) * 1000)


def plan(times: Sequence[int], catch_up: CatchUp, now_ms: int, *, is_last: bool) -> tuple[list[int], list[int]]:
    """(to fire, missed) of the occurrences that are due. is_last: there are none behind them that are due too."""
    if catch_up == "all":
        return list(times), []
    newest = times[-1:] if is_last else []
    if catch_up == "none":
        newest = [moment for moment in newest if now_ms - moment <= GRACE_MS]
    return list(newest), [moment for moment in times if moment not in newest]


def fire(connection: sa.Connection, here: Here, schedule: Schedule, seen: int) -> None:
    """Fire what is due of a schedule, if no other process does. seen: the next time as it was read."""
    if not is_free(connection, schedule.id, seen):
        return
    take_turn(connection, f"schedule:{schedule.id}")
    coming = occurrences(schedule.cron, schedule.timezone, seen)
    times = [seen, *itertools.islice(itertools.takewhile(lambda t: t <= here.now_ms, coming), _CHUNK - 1)]
    following = next(occurrences(schedule.cron, schedule.timezone, times[-1]), None)
    if not move_next(connection, schedule.id, seen, following):
        return
    is_last = following is None or following > here.now_ms
    to_fire, missed = plan(times, schedule.catch_up, here.now_ms, is_last=is_last)
    for moment in missed:
        reason = f"nothing fired it in time; catch_up={schedule.catch_up}"
        run_rows.add_schedule_run(connection, schedule.id, moment, "missed", completed_at=here.now_ms, error=reason)
    for moment in to_fire:
        row_id = run_rows.add_schedule_run(connection, schedule.id, moment, "pending")
        row = None if row_id is None else run_rows.load_schedule_run(connection, row_id)
        if row is not None:
            _begin_if_free(connection, here, schedule, row, may_skip=len(to_fire) == 1)
    reach("fire.commit")


def begin_pending(connection: sa.Connection, here: Here, row_id: str) -> None:
    """Begin a row that waits: triggered by hand, queued behind another, or a retry whose delay is over."""
    seen = run_rows.load_schedule_run(connection, row_id)
    if seen is None:
        return
    take_turn(connection, f"schedule:{seen.schedule_id}")
    row = run_rows.load_schedule_run(connection, row_id)
    if row is None or row.status is not ScheduleRunStatus.PENDING:
        return
    schedule = find_schedule(connection, row.schedule_id)
    if schedule is None:
        _end(connection, row, here, "skipped", None, "the schedule was deleted")
        return
    _begin_if_free(connection, here, schedule, row, may_skip=False)
    reach("fire.commit")


def _begin_if_free(
    connection: sa.Connection, here: Here, schedule: Schedule, row: ScheduleRun, *, may_skip: bool
) -> None:
    others = [other for other in run_rows.open_schedule_runs(connection, schedule.id) if other.id != row.id]
    in_front = [o for o in others if o.status is ScheduleRunStatus.RUNNING or _stands_before(o, row)]
    if not in_front or schedule.overlap == "allow":
        _begin(connection, here, schedule, row)
    elif schedule.overlap == "skip" and may_skip:
        first = in_front[0]
        when = "" if first.scheduled_for is None else f" of {first.scheduled_for:%Y-%m-%d %H:%M:%S} UTC"
        _end(connection, row, here, "skipped", 409, f"the fire{when} is {first.status.value}; overlap=skip")


def _stands_before(other: ScheduleRun, row: ScheduleRun) -> bool:
    assert other.scheduled_for is not None
    assert row.scheduled_for is not None
    return (other.scheduled_for, other.attempt) < (row.scheduled_for, row.attempt)


def _begin(connection: sa.Connection, here: Here, schedule: Schedule, row: ScheduleRun) -> None:
    subject = here.subject(schedule.kind, schedule.subject_id) or _loaded_elsewhere(connection, schedule)
    if subject is None:
        reason = f"{schedule.kind}_not_loaded: no live process has {schedule.kind} {schedule.subject_id!r}"
        _end(connection, row, here, "failed", 404, reason)
        return
    payload = read_payload(schedule.payload)
    values: dict[str, Any] = {"status": "running", "triggered_at": here.at_ms}
    if row.run_id is not None or row.batch_id is not None:
        _again(connection, here, row, values)
        return
    if payload.files is None:
        request = RunRequest(subject=subject, message=payload.message, user_id=payload.user_id, schedule_run_id=row.id)
        (accepted,) = accept(connection, [request], here.now_ms)
        run_rows.move_schedule_run(connection, row.id, "pending", {**values, "run_id": accepted.run_id})
        return
    batch_id = open_batch(
        connection,
        subject,
        message=payload.message,
        source=payload.files,
        fingerprint=None,
        user_id=payload.user_id,
        now_ms=here.now_ms,
    )
    listed_by = {"batch_id": batch_id, "executor_id": here.executor_id}
    run_rows.move_schedule_run(connection, row.id, "pending", {**values, **listed_by})


def _again(connection: sa.Connection, here: Here, row: ScheduleRun, values: dict[str, Any]) -> None:
    """A retry: what failed is tried again, in the same run or batch. It waits for what is still about to stop."""
    if is_stopping(connection, run_id=row.run_id, batch_id=row.batch_id):
        return
    if row.run_id is not None:
        try_all_again(connection, [row.run_id], here.now_ms)
    elif row.batch_id is not None:
        again = {*resume_batch(connection, row.batch_id), *retryable_runs(connection, row.batch_id)}
        try_all_again(connection, sorted(again), here.now_ms)
    run_rows.move_schedule_run(connection, row.id, "pending", {**values, "executor_id": here.executor_id})


def _loaded_elsewhere(connection: sa.Connection, schedule: Schedule) -> Subject | None:
    """The subject as the newest live process has it that can execute it."""
    for executor in reversed(list_executors(connection)):
        for entry in json.loads(executor.registry):
            if (entry["kind"], entry["id"]) == (schedule.kind, schedule.subject_id):
                return Subject(kind=schedule.kind, id=entry["id"], revision=entry["revision"])
    return None


def _end(connection: sa.Connection, row: ScheduleRun, here: Here, status: str, code: int | None, error: str) -> None:
    values = {"status": status, "status_code": code, "error": error, "completed_at": here.at_ms}
    if status == "failed":
        values["triggered_at"] = values["completed_at"]
    run_rows.move_schedule_run(connection, row.id, "pending", values)
