"""The pump: keeps a window of queued runs enqueued for this process, so that a million documents never become a
million open workflows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.engine.attempts import Attempts
from nightdrop.engine.cancelling import cancel_all
from nightdrop.engine.capacity import LOCAL_GROUP, Capacity
from nightdrop.engine.dbos_host import DbosHost
from nightdrop.engine.desk import Desk
from nightdrop.engine.purses import Purses
from nightdrop.engine.suspects import Suspects
from nightdrop.errors import NightdropError
from nightdrop.faults import reach
from nightdrop.records.request import Claimed, Subject
from nightdrop.store import attempts as rows
from nightdrop.store.changes import Changes
from nightdrop.store.executors import is_registered
from nightdrop.store.release import release

log = logging.getLogger("nightdrop.engine")

_BUSY_SECONDS, _IDLE_SECONDS = 0.05, 0.1
_AT_ONCE = 4  # of what is claimed, started without waiting for the queue's next poll
_RECONCILE_SECONDS = 30.0
_SLOW_COMMIT_SECONDS = 0.5  # from here on a process takes fewer runs in hand
_SOON_SECONDS = 3.0  # after the database was away: what it broke off is found sooner
_TOLD_SECONDS = 5.0  # between two words about a database that is away


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """So many runs of these agents, whose calls count against the same limits."""

    group: str
    subjects: Sequence[Subject]
    free: int


class Pump:
    """Claims runs this registry can execute and enqueues them in the same transaction; the first few start directly.

    batches: None for any queued run, else only runs of these batches (what `nightdrop run` does). suspects: None in
    a quarantine, which claims nothing but suspects.
    """

    def __init__(
        self,
        desk: Desk,
        host: DbosHost,
        capacity: Capacity,
        attempts: Attempts,
        suspects: Suspects | None,
        purses: Purses,
        executor_id: str,
    ) -> None:
        self._desk = desk
        self._suspects = suspects
        self._purses = purses
        self._host = host
        self._capacity = capacity
        self._attempts = attempts
        self._executor_id = executor_id
        self._wake = asyncio.Event()
        self._changes: Changes | None = None
        self._task: asyncio.Task[None] | None = None
        self._idle: set[str] = set()
        self.batches: set[str] | None = None

    def start(self) -> None:
        """Begin to pump on the running event loop."""
        self._changes = Changes(self._desk.db)
        self._task = asyncio.create_task(self._run(self._changes))

    def wake(self) -> None:
        """Look for work now."""
        if self._changes is not None:
            self._changes.forget()
        self._wake.set()

    async def stop(self) -> None:
        """Claim nothing more. A claim that was on its way to the database is waited for, and given back."""
        task, self._task = self._task, None
        if task is None:
            return
        await cancel_all([task])
        if self._changes is not None:
            self._changes.close()
        try:
            await self._desk.write(_nothing)  # writes are done in order
            await self._reconcile()
        except NightdropError as error:
            log.warning("what was claimed last goes back to the queue with the lease: %s", error)

    async def _run(self, changes: Changes) -> None:
        reconciled, told = clock.monotonic(), float("-inf")
        while True:
            busy = False
            try:
                busy = await self._round(changes)
                if self._attempts.stranded or clock.monotonic() - reconciled > _RECONCILE_SECONDS:
                    reconciled = clock.monotonic()
                    await self._reconcile()
            except Exception as error:  # noqa: BLE001 - the edge of a loop that outlives a database
                if clock.monotonic() - told > _TOLD_SECONDS:
                    told = clock.monotonic()
                    log.warning("the pump could not look for work, trying again: %s: %s", type(error).__name__, error)
                reconciled = min(reconciled, clock.monotonic() - _RECONCILE_SECONDS + _SOON_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_BUSY_SECONDS if busy else _IDLE_SECONDS):  # wait_for may swallow a cancel
                    await self._wake.wait()
            self._wake.clear()

    async def _round(self, changes: Changes) -> bool:
        if changes.none:
            return bool(self._attempts.queued)
        changes.look()
        alone = self._suspects is None or (self.batches != set() and await self._suspects.run_here(self._scopes()))
        wanted = self._wanted(alone)
        if not wanted or self.batches == set():
            return bool(self._attempts.queued)
        if not await self._desk.read(lambda c: self._any_queued(c, wanted, alone)):
            changes.found_nothing()
            return bool(self._attempts.queued)
        taken_in: set[str] = set()
        try:
            claimed = await self._desk.write(lambda c: self._claim(c, wanted, taken_in, alone))
        except BaseException:
            self._attempts.queued -= taken_in  # nothing of it was committed
            raise
        if claimed:
            reach("dispatch.committed")
        await self._begin(_at_once(claimed), [run for run in claimed if run.dispatches > 1])
        return bool(claimed)

    async def _begin(self, fresh: Sequence[Claimed], taken: Sequence[Claimed]) -> None:
        """Start what is not enqueued. What cannot be started now is queued for everyone again; what a kill leaves here
        is the lease's, like a run that was accepted and not started."""
        left = [run.run_id for run in (*fresh, *taken)]
        try:
            for run in fresh:
                await self._host.run_now(run.run_id, run.attempt)
                left.remove(run.run_id)
            if taken:
                await asyncio.to_thread(self._host.resume, taken)
        except BaseException:
            self._attempts.queued.difference_update(left)
            await self._desk.write(lambda c: release(c, self._executor_id, left))
            raise

    def _wanted(self, alone: bool) -> list[_Wanted]:
        """What this process would take now: for each provider by itself, so that one that is slow holds up no other.

        alone: a suspect waits until this process has nothing else, and nothing joins it.
        """
        if alone and self._attempts.held:
            return []
        found = []
        for group, subjects in self._capacity.groups(clock.now_ms()).items():
            window = _slowed(self._capacity.window(group), self._desk.commit_seconds)
            free = 1 if alone else window - self._attempts.in_hand(group)
            if group != LOCAL_GROUP:
                subjects = [subject for subject in subjects if self._purses.admits(subject)]
            if subjects and free >= (1 if alone else max(1, window // 4)):
                found.append(_Wanted(group=group, subjects=subjects, free=free))
        return found

    def _any_queued(self, connection: sa.Connection, wanted: Sequence[_Wanted], suspects: bool) -> bool:
        without = tuple(self._purses.shut_batches())
        return any(
            rows.has_queued(connection, subject, clock.now_ms(), batch, suspects=suspects, without=without)
            for part in wanted
            for subject in part.subjects
            for batch in self._scopes()
        )

    def _claim(
        self, connection: sa.Connection, wanted: Sequence[_Wanted], taken_in: set[str], suspects: bool
    ) -> list[Claimed]:
        """Claim and enqueue in one transaction; `taken_in` hears of the runs before it commits."""
        self._attempts.queued -= taken_in  # of an earlier try of this transaction
        taken_in.clear()
        claimed: list[Claimed] = []
        if not is_registered(connection, self._executor_id):
            return claimed  # taken for dead: no run may be taken before there is a new lease
        for part in wanted:
            if suspects and claimed:
                break
            found = self._claim_part(connection, part, suspects)
            claimed += found
            ids = [run.run_id for run in found]
            taken_in.update(ids)
            self._attempts.queued |= set(ids)
            self._attempts.put_in(part.group, ids)
        at_once = _at_once(claimed)
        for run in claimed:
            if run.dispatches == 1 and run not in at_once:
                self._host.enqueue(connection, run)
        reach("dispatch.commit")
        return claimed

    def _claim_part(self, connection: sa.Connection, part: _Wanted, suspects: bool) -> list[Claimed]:
        claimed: list[Claimed] = []
        for batch_id in self._scopes():
            claimed += rows.claim(
                connection,
                self._executor_id,
                part.subjects,
                now_ms=clock.now_ms(),
                limit=part.free - len(claimed),
                batch_id=batch_id,
                suspects=suspects,
                without=self._purses.shut_batches(),
            )
        return claimed

    def _scopes(self) -> list[str | None]:
        return [None] if self.batches is None else list(self.batches)

    async def _reconcile(self) -> None:
        """Runs whose row says that this process has them while it does not (a commit that failed) are queued again.

        So are those that stood still between two looks although DBOS does not hold them in its queue, and those that
        were started again before their earlier attempt had left.
        """
        stranded = self._attempts.take_stranded()
        idle = self._attempts.idle
        long_idle, self._idle = idle & self._idle, idle
        if long_idle:
            waiting = await asyncio.to_thread(self._host.waiting, sorted(long_idle))
            self._attempts.forget(long_idle - waiting)
        held = self._attempts.held
        mine = await self._desk.read(lambda c: rows.open_runs(c, self._executor_id))
        held |= self._attempts.held
        lost = [run_id for run_id in mine if run_id not in held]
        if self._task is not None and (count := len(set(lost) - stranded)):  # at the end that is a last claim
            log.warning("%d runs were dispatched here and are not at work: they are queued again", count)
        if lost:
            await self._desk.write(lambda c: release(c, self._executor_id, lost))
            self.wake()


def _slowed(window: int, commit_seconds: float) -> int:
    """Fewer runs in hand while commits take long: more work would only make them longer."""
    return max(1, int(window * min(1.0, _SLOW_COMMIT_SECONDS / max(commit_seconds, 1e-9))))


def _nothing(_: sa.Connection) -> None:
    """A write that only waits for those before it."""


def _at_once(claimed: Sequence[Claimed]) -> list[Claimed]:
    """The first few that no executor had before: they start at once, the others when the queue is polled."""
    return [run for run in claimed if run.dispatches == 1][:_AT_ONCE]
