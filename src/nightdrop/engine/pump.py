"""The pump: keeps a window of queued runs enqueued for this process, so that a million documents never become a
million open workflows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.engine.attempts import Attempts
from nightdrop.engine.cancelling import cancel_all
from nightdrop.engine.dbos_host import DbosHost
from nightdrop.engine.desk import Desk
from nightdrop.engine.registry import Registry
from nightdrop.engine.suspects import Suspects
from nightdrop.faults import reach
from nightdrop.records.request import Claimed
from nightdrop.store import attempts as rows
from nightdrop.store.executors import is_registered
from nightdrop.store.release import release

log = logging.getLogger("nightdrop.engine")

_BUSY_SECONDS, _IDLE_SECONDS = 0.05, 0.1
_AT_ONCE = 4  # of what is claimed, started without waiting for the queue's next poll
_RECONCILE_SECONDS = 30.0
_SOON_SECONDS = 3.0  # after the database was away: what it broke off is found sooner


class Pump:
    """Claims runs this registry can execute and enqueues them in the same transaction; the first few start directly.

    batches: None for any queued run, else only runs of these batches (what `nightdrop run` does). suspects: None in
    a quarantine, which claims nothing but suspects.
    """

    def __init__(
        self,
        desk: Desk,
        host: DbosHost,
        registry: Registry,
        attempts: Attempts,
        suspects: Suspects | None,
        executor_id: str,
        window: int,
    ) -> None:
        self._desk = desk
        self._suspects = suspects
        self._host = host
        self._registry = registry
        self._attempts = attempts
        self._executor_id = executor_id
        self._window = window
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.batches: set[str] | None = None

    def start(self) -> None:
        """Begin to pump on the running event loop."""
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    async def stop(self) -> None:
        """Claim nothing more."""
        if self._task is not None:
            await cancel_all([self._task])

    async def _run(self) -> None:
        reconciled = clock.monotonic()
        while True:
            busy = False
            try:
                busy = await self._round()
                if clock.monotonic() - reconciled > _RECONCILE_SECONDS:
                    reconciled = clock.monotonic()
                    await self._reconcile()
            except Exception as error:  # noqa: BLE001 - the edge of a loop that outlives a database
                log.warning("the pump could not look for work, trying again: %s: %s", type(error).__name__, error)
                reconciled = min(reconciled, clock.monotonic() - _RECONCILE_SECONDS + _SOON_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_BUSY_SECONDS if busy else _IDLE_SECONDS):  # wait_for may swallow a cancel
                    await self._wake.wait()
            self._wake.clear()

    async def _round(self) -> bool:
        free = self._window - len(self._attempts.queued)
        alone = self._suspects is None or (self.batches != set() and await self._suspects.run_here(self._scopes()))
        if alone:
            free = 0 if self._attempts.held else 1  # it waits until it is alone, and nothing joins it
        enough = 1 if alone else max(1, self._window // 4)
        if free < enough or self.batches == set() or not await self._desk.read(lambda c: self._any_queued(c, alone)):
            return bool(self._attempts.queued)
        taken_in: set[str] = set()
        try:
            claimed = await self._desk.write(lambda c: self._claim(c, free, taken_in, alone))
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

    def _any_queued(self, connection: sa.Connection, suspects: bool) -> bool:
        return any(
            rows.has_queued(connection, subject, clock.now_ms(), batch, suspects=suspects)
            for subject in self._registry
            for batch in self._scopes()
        )

    def _claim(self, connection: sa.Connection, free: int, taken_in: set[str], suspects: bool) -> list[Claimed]:
        """Claim and enqueue in one transaction; `taken_in` hears of the runs before it commits."""
        self._attempts.queued -= taken_in  # of an earlier try of this transaction
        taken_in.clear()
        claimed: list[Claimed] = []
        if not is_registered(connection, self._executor_id):
            return claimed  # taken for dead: no run may be taken before there is a new lease
        for batch_id in self._scopes():
            claimed += rows.claim(
                connection,
                self._executor_id,
                list(self._registry),
                now_ms=clock.now_ms(),
                limit=free - len(claimed),
                batch_id=batch_id,
                suspects=suspects,
            )
        taken_in.update(run.run_id for run in claimed)
        self._attempts.queued |= taken_in
        at_once = _at_once(claimed)
        for run in claimed:
            if run.dispatches == 1 and run not in at_once:
                self._host.enqueue(connection, run)
        reach("dispatch.commit")
        return claimed

    def _scopes(self) -> list[str | None]:
        return [None] if self.batches is None else list(self.batches)

    async def _reconcile(self) -> None:
        """Runs whose row says that this process has them while it does not (a commit that failed) are queued again."""
        held = self._attempts.held
        mine = await self._desk.read(lambda c: rows.open_runs(c, self._executor_id))
        held |= self._attempts.held
        lost = [run_id for run_id in mine if run_id not in held]
        if lost:
            log.warning("%d runs were dispatched here and are not at work: they are queued again", len(lost))
            await self._desk.write(lambda c: release(c, self._executor_id, lost))


def _at_once(claimed: Sequence[Claimed]) -> list[Claimed]:
    """The first few that no executor had before: they start at once, the others when the queue is polled."""
    return [run for run in claimed if run.dispatches == 1][:_AT_ONCE]
