"""The loop that fires: one in every process whose AgentOS has scheduler=True; any number share a database."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.batch import BatchCall, ScheduleCall, accept_batch, listing_of
from nightdrop.engine import Engine
from nightdrop.errors import NightdropError
from nightdrop.faults import reach
from nightdrop.records.request import Subject
from nightdrop.records.schedule import ScheduleRun, ScheduleRunStatus
from nightdrop.schedules.close import End, close, deadline_of, end_of, timed_out
from nightdrop.schedules.fire import Here, begin_pending, fire
from nightdrop.schedules.listing import settled_files
from nightdrop.schedules.payload import Payload, read_payload
from nightdrop.schedules.tidy import Tidy
from nightdrop.settings import load_settings
from nightdrop.store import schedule_runs as run_rows
from nightdrop.store import schedules as rows
from nightdrop.store.batches import batch_subject, close_acceptance
from nightdrop.store.stop import stop_batch, stop_runs

log = logging.getLogger("nightdrop.schedules")

TICK_SECONDS = 0.5
_TOGETHER = 20  # fires handed to the writing thread at a time: they share commits
_UNREADABLE = 422
_SLOW_SECONDS = 0.1  # a look at a batch that takes longer, since it is large, is taken in a twentieth of the time
_LIST_AGAIN_SECONDS = 5.0
_REST, _MOST_REST_SECONDS = 20, 30.0


class Scheduler:
    """Fires what is due, lists what was fired, closes what has ended. Lives on the portal's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._listing: dict[str, asyncio.Task[None]] = {}
        self._rests: dict[str, float] = {}  # rows not looked at before this time
        self._later: dict[str, float] = {}  # rows whose source could not be listed, not tried before this time
        self._tidy = Tidy(engine)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to fire; call on the portal's loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Fire nothing more; what is being listed goes on in another process."""
        tasks = [task for task in (self._task, *self._listing.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, self._tidy.stop(), return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self.tick(clock.now_ms())
            except (NightdropError, sa.exc.SQLAlchemyError) as error:
                log.error("schedules: %s; it is tried again", error)
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self, now_ms: int) -> None:
        """One look at everything, at this time."""
        here = Here(executor_id=self._engine.executor_id, now_ms=now_ms, subject=self._subject)
        if not await self._engine.desk.read(partial(run_rows.is_scheduler, executor_id=here.executor_id)):
            await self._engine.desk.write(partial(run_rows.set_scheduler, executor_id=here.executor_id))
        await self._fire_due(here)
        await self._close_ended(now_ms)
        await self._begin_pending(here)
        await self._list_fired(now_ms)
        await self._tidy.look()

    async def _fire_due(self, here: Here) -> None:
        due = await self._engine.desk.read(partial(rows.due_schedules, now_ms=here.now_ms))
        random.shuffle(due)  # processes that look at the same moment begin with different ones
        for at in range(0, len(due), _TOGETHER):
            fires = [partial(fire, here=here, schedule=s, seen=seen) for s, seen in due[at : at + _TOGETHER]]
            await asyncio.gather(*[self._engine.desk.write(one) for one in fires])
        if due:
            reach("fire.committed")
            self._engine.wake()

    async def _begin_pending(self, here: Here) -> None:
        ready = await self._engine.desk.read(partial(run_rows.ready_schedule_runs, now_ms=here.now_ms))
        for row in ready:
            await self._engine.desk.write(partial(begin_pending, here=here, row_id=row.id))
        if ready:
            reach("fire.committed")
            self._engine.wake()

    async def _close_ended(self, now_ms: int) -> None:
        self._rests = {row_id: until for row_id, until in self._rests.items() if until > clock.monotonic()}
        for row in await self._engine.desk.read(run_rows.open_schedule_runs):
            if row.status is not ScheduleRunStatus.RUNNING or row.id in self._rests:
                continue
            began = clock.monotonic()
            end = await self._engine.desk.read(partial(end_of, row=row, now_ms=now_ms))
            if end is None:
                self._rest(row.id, clock.monotonic() - began)
                end = await self._stopped(row, now_ms)
            if end is not None:
                await self._close(row, end, now_ms)

    def _rest(self, row_id: str, took: float) -> None:
        if took > _SLOW_SECONDS:
            self._rests[row_id] = clock.monotonic() + min(_REST * took, _MOST_REST_SECONDS)

    async def _stopped(self, row: ScheduleRun, now_ms: int) -> End | None:
        """The end of a row whose time is over: its work is cancelled first, so that a kill leaves nothing running."""
        schedule = await self._engine.desk.read(partial(rows.find_schedule, key=row.schedule_id))
        deadline = deadline_of(row, schedule)
        if schedule is None or deadline is None or now_ms < deadline:
            return None
        if row.id in self._listing:
            self._listing[row.id].cancel()
        db = self._engine.db
        if row.run_id is not None:
            await asyncio.to_thread(stop_runs, db, [row.run_id])
        elif row.batch_id is not None:
            await asyncio.to_thread(stop_batch, db, row.batch_id)
        return timed_out(schedule, now_ms)

    async def _close(self, row: ScheduleRun, end: End, now_ms: int) -> None:
        if await self._engine.desk.write(partial(close, row=row, end=end, now_ms=now_ms)):
            reach("close.committed")

    async def _list_fired(self, now_ms: int) -> None:
        me = self._engine.executor_id
        for row, executor in await self._engine.desk.read(partial(run_rows.unlisted_schedule_runs, executor_id=me)):
            if row.id in self._listing or self._later.get(row.id, 0.0) > clock.monotonic():
                continue
            if executor != me and not await self._engine.desk.write(
                partial(run_rows.take_over, row_id=row.id, seen=executor, executor_id=me)
            ):
                continue
            task = asyncio.create_task(self._list(row, now_ms))
            self._listing[row.id] = task
            task.add_done_callback(partial(self._listed, row.id))

    def _listed(self, row_id: str, task: asyncio.Task[None]) -> None:
        self._listing.pop(row_id, None)
        if not task.cancelled() and task.exception() is not None:
            log.error(
                "schedule run %s: its listing ended with an error, it is tried again", row_id, exc_info=task.exception()
            )

    async def _list(self, row: ScheduleRun, now_ms: int) -> None:
        assert row.batch_id is not None
        schedule = await self._engine.desk.read(partial(rows.find_schedule, key=row.schedule_id))
        subject = await self._engine.desk.read(partial(batch_subject, batch_id=row.batch_id))
        try:
            if schedule is not None and subject is not None:
                payload = read_payload(schedule.payload)
                files = await asyncio.to_thread(settled_files, payload, now_ms)
                spec = self._engine.registry.find(subject.id, subject.revision)
                call = _call(row, subject, payload, cache=spec is not None and spec.cache)
                await accept_batch(self._engine, row.batch_id, call, listing_of(self._engine, call, files))
                return
            error = "schedule_not_found: the schedule was deleted before its documents were listed"
        except NightdropError as problem:
            if problem.retryable:
                log.error("schedule run %s: %s; listing is tried again", row.id, problem)
                self._later = {i: t for i, t in self._later.items() if t > clock.monotonic()}
                self._later[row.id] = clock.monotonic() + _LIST_AGAIN_SECONDS
                return
            error = str(problem)
        except OSError as problem:
            error = f"source_unreadable: {problem}"
        await self._engine.desk.write(partial(close_acceptance, batch_id=row.batch_id, now_ms=now_ms))
        end = End(status="failed", status_code=_UNREADABLE, completed_at=clock.now_ms(), error=error)
        await self._close(replace(row, status=ScheduleRunStatus.RUNNING), end, now_ms)

    def _subject(self, kind: str, subject_id: str) -> Subject | None:
        found = [s for s in self._engine.registry if (s.kind, s.id) == (kind, subject_id)]
        return found[-1] if found else None


def _call(row: ScheduleRun, subject: Subject, payload: Payload, *, cache: bool) -> BatchCall:
    assert payload.files is not None
    moved = payload.move_to
    return BatchCall(
        subject=subject,
        source=payload.files,
        message=payload.message,
        user_id=payload.user_id,
        leave_out=() if moved is None or moved == payload.root or payload.is_remote else (moved,),
        max_bytes=load_settings().max_file_bytes,
        schedule=ScheduleCall(schedule_id=row.schedule_id, schedule_run_id=row.id, after=payload.action),
        cache=cache,
    )
