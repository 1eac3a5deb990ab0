"""Executing attempts: load, mark running, ask the model, commit the end. The body of every durable workflow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.agents import Postponed
from nightdrop.documents.pool import ReaderPool
from nightdrop.engine.answering import Answering
from nightdrop.engine.cancelling import cancel_all
from nightdrop.engine.desk import Desk
from nightdrop.engine.purses import Purses
from nightdrop.engine.registry import Registry
from nightdrop.engine.room import Places, Room
from nightdrop.engine.waiters import Waiters
from nightdrop.engine.watch import watched
from nightdrop.errors import BudgetExceeded, NightdropError, StorageFailed
from nightdrop.faults import reach
from nightdrop.pausing import PauseRequested
from nightdrop.records.event import RunEvent
from nightdrop.records.run_error import RunError
from nightdrop.store import attempts as rows
from nightdrop.store.load import Work, load_work
from nightdrop.store.pauses import pause
from nightdrop.store.progress import keep_shape
from nightdrop.workflows import WorkflowSpec

log = logging.getLogger("nightdrop.engine")

_ASKED_AGAIN_SECONDS = 10.0


class Attempts:
    """Executes attempts in this process. `places` bound those that came from the queue; the caller bounds its own."""

    def __init__(
        self,
        desk: Desk,
        registry: Registry,
        reader: ReaderPool,
        waiters: Waiters,
        executor_id: str,
        places: Places,
        purses: Purses,
        room: Room,
    ) -> None:
        self._desk = desk
        self._registry = registry
        self._shapes: set[tuple[str | None, str]] = set()  # workflows at revisions whose shapes are in the rows
        self._waiters = waiters
        self._answering = Answering(desk, registry, reader, waiters, purses, room)
        self._executor_id = executor_id
        self._places = places
        self._purses = purses
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._begun: set[str] = set()  # of the tasks, those that do not wait for a place
        self._cancelling: dict[str, float] = {}  # since when; cleaning up is not broken off by asking again
        self._listeners: dict[str, Callable[[RunEvent], None]] = {}
        self.leaving = False  # the process goes: nothing that fails now is a run's own failure
        self.starting: set[str] = set()  # runs accepted for this process that have not begun yet
        self.queued: set[str] = set()  # runs the pump handed to this process that have not left it yet
        self._groups: dict[str, str] = {}  # of those, whose places they take
        self._too_early: set[str] = set()  # runs started again here while an earlier attempt was ending

    @property
    def stranded(self) -> bool:
        """Whether a run that was started too early can be started now; the rows say that it is here, it is not."""
        return bool(self._too_early - set(self._tasks))

    @property
    def held(self) -> set[str]:
        """Runs this process has in hand, waiting or running."""
        return self.starting | self.queued | set(self._tasks)

    @property
    def idle(self) -> set[str]:
        """Of those, the ones that nothing here has begun to work on or waits with."""
        return (self.starting | self.queued) - set(self._tasks)

    def take_stranded(self) -> set[str]:
        """The runs that `stranded` tells of: in nobody's hands here any more."""
        stranded = self._too_early - set(self._tasks)
        self._too_early -= stranded
        self.forget(stranded)
        return stranded

    def forget(self, run_ids: set[str]) -> None:
        """These are not in this process's hands after all, unless they have begun meanwhile."""
        self.starting -= run_ids - set(self._tasks)
        self.queued -= run_ids - set(self._tasks)

    async def execute(self, run_id: str, attempt: int) -> None:
        """Bring one attempt to its end in the rows. Never raises, except to leave the attempt to another process."""
        task = asyncio.current_task()
        assert task is not None
        if run_id in self._tasks:  # it was tried again, or continued, before its earlier attempt has left
            self._too_early.add(run_id)
            raise asyncio.CancelledError
        self._tasks[run_id] = task
        self.starting.discard(run_id)
        try:
            if run_id in self.queued:
                async with self._places.held(self._groups.get(run_id, "")):
                    await self._execute(run_id, attempt)
            else:
                await self._execute(run_id, attempt)
        except asyncio.CancelledError:
            if run_id not in self._cancelling:
                raise
            await self._desk.write(
                lambda c: rows.mark_cancelled(c, run_id, attempt, clock.now_ms()),
            )
            self._waiters.ended(run_id)
        except Exception as error:
            if not self.leaving:
                raise
            raise asyncio.CancelledError from error  # threads are gone: the next process begins it again
        finally:
            self._tasks.pop(run_id, None)
            self._begun.discard(run_id)
            self._cancelling.pop(run_id, None)
            self.queued.discard(run_id)
            self._groups.pop(run_id, None)

    def put_in(self, group: str, run_ids: Iterable[str]) -> None:
        """Whose places these queued runs take."""
        self._groups = {run_id: name for run_id, name in self._groups.items() if run_id in self.queued}
        self._groups.update(dict.fromkeys(run_ids, group))

    def in_hand(self, group: str) -> int:
        """How many queued runs of a group are here."""
        return sum(self._groups.get(run_id) == group for run_id in self.queued)

    def drop_queued(self) -> set[str]:
        """Forget what was handed to this process and has not begun, and return it: it is queued for everyone again."""
        dropped = self.queued - self._begun
        self.queued -= dropped
        return dropped

    async def ended(self, seconds: float) -> None:
        """Wait until every attempt that has begun here has ended, but not longer than so many seconds."""
        begun = [task for run_id, task in self._tasks.items() if run_id in self._begun]
        if begun:
            await asyncio.wait(begun, timeout=seconds)

    def unlisten(self, run_id: str) -> None:
        """Nobody hears of this run any more."""
        self._listeners.pop(run_id, None)

    def listen(self, run_id: str, on_event: Callable[[RunEvent], None]) -> None:
        """Hear what happens in a run that is about to execute here: its answer's text, its steps."""
        self._listeners[run_id] = on_event

    def stop(self, run_id: str) -> None:
        """Stop a run that was asked to be cancelled, if it executes here, at its next await.

        It is told once, and again after a while, in case it took that for something else.
        """
        task, now = self._tasks.get(run_id), clock.monotonic()
        if task is not None and now - self._cancelling.get(run_id, float("-inf")) >= _ASKED_AGAIN_SECONDS:
            self._cancelling[run_id] = now
            task.cancel()

    async def leave(self) -> None:
        """Let go of every attempt; the rows stay open for the next process."""
        await cancel_all(list(self._tasks.values()))

    async def _execute(self, run_id: str, attempt: int) -> None:
        self._begun.add(run_id)
        try:
            work = await self._desk.insist(partial(self._begin, run_id=run_id, attempt=attempt))
        except StorageFailed as error:
            self._waiters.failed(run_id, error)
            raise asyncio.CancelledError from error  # still open in the rows: executed again later
        if work is None:
            await self._not_started(run_id, attempt)
            return
        self._shapes.add((work.run.workflow_id, work.revision))
        with watched(work) as watch:
            reach("attempt.started")
            end = await self._answer(work)
            reach("answer.made")
            if self.leaving:
                raise asyncio.CancelledError
            await self._commit(run_id, watch.seen(end))
            reach("result.committed")
            watch.ended()
        self._waiters.ended(run_id)

    def _begin(self, connection: sa.Connection, run_id: str, attempt: int) -> Work | None:
        if not rows.start(connection, run_id, attempt, self._executor_id, clock.now_ms()):
            return None
        work = load_work(connection, run_id)
        if work is not None and work.run.workflow_id and (work.run.workflow_id, work.revision) not in self._shapes:
            spec = self._registry.find(work.run.workflow_id, work.revision)
            if isinstance(spec, WorkflowSpec):
                keep_shape(connection, spec.id, work.revision, spec.plan, clock.now_ms())
        return work

    async def _not_started(self, run_id: str, attempt: int) -> None:
        """The rows refused the start: asked to stop, ended before (a replay), or taken by another executor."""
        await self._desk.write(lambda c: rows.mark_if_cancelled(c, run_id, attempt, clock.now_ms()))
        work = await self._desk.read(lambda c: load_work(c, run_id))
        if work is not None and work.attempt == attempt and work.run.status.is_open:
            raise asyncio.CancelledError  # another executor has it: leave it open in the engine too
        self._waiters.ended(run_id)

    async def _answer(self, work: Work) -> Callable[[sa.Connection], bool]:
        """Make the answer; returns the write that ends the attempt with it or with its error."""
        run_id, attempt = work.run.run_id, work.attempt
        try:
            return await self._answering.end(work, self._listeners.get(run_id))
        except Postponed as later:
            if isinstance(later.because, BudgetExceeded):
                self._purses.wait(later.because, work.run.batch_id)
            not_before = clock.now_ms() + int(later.seconds * 1000)
            return partial(
                rows.postpone,
                run_id=run_id,
                attempt=attempt,
                executor_id=self._executor_id,
                not_before=not_before,
                waits_for=later.waits_for,
            )
        except PauseRequested as asked:
            return partial(pause, run_id=run_id, attempt=attempt, asked=asked.pause, now_ms=clock.now_ms())
        except StorageFailed as error:
            self._waiters.failed(run_id, error)
            raise asyncio.CancelledError from error  # still open in the rows: executed again later
        except NightdropError as error:
            failure = RunError(code=error.code, message=error.message, retryable=error.retryable)
            raw_answer = getattr(error, "raw_answer", None)
        except Exception as error:
            log.exception("run %s failed", run_id)
            failure, raw_answer = RunError(code="internal", message=f"{type(error).__name__}: {error}"), None
        return lambda c: rows.fail(c, run_id, attempt, failure, now_ms=clock.now_ms(), raw_answer=raw_answer)

    async def _commit(self, run_id: str, end: Callable[[sa.Connection], bool]) -> None:
        """Store the end. A result that cannot be stored is an error for whoever waits, and the run stays open."""
        try:
            await self._desk.insist(partial(_end, end))
        except StorageFailed as error:
            self._waiters.failed(run_id, error)
            raise asyncio.CancelledError from error


def _end(end: Callable[[sa.Connection], bool], connection: sa.Connection) -> None:
    end(connection)
    reach("result.commit")
