"""The engine: accepts, executes and waits for runs of one database in this process."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.documents.pool import ReaderPool
from nightdrop.engine.attempts import Attempts
from nightdrop.engine.capacity import Capacity, default_concurrency
from nightdrop.engine.dbos_host import DbosHost
from nightdrop.engine.desk import Desk
from nightdrop.engine.identity import Role, this_process
from nightdrop.engine.lease import Lease
from nightdrop.engine.pump import Pump
from nightdrop.engine.purses import Purses
from nightdrop.engine.registry import Registry
from nightdrop.engine.room import Places, Room
from nightdrop.engine.suspects import Suspects
from nightdrop.engine.waiters import Waiters
from nightdrop.errors import NightdropError, RunNotFound
from nightdrop.faults import reach
from nightdrop.limits.board import Board, use_board
from nightdrop.records.document import NewDocument
from nightdrop.records.event import RunEvent
from nightdrop.records.request import Accepted, RunRequest
from nightdrop.records.run import RunOutput
from nightdrop.settings import load_settings
from nightdrop.store import Database
from nightdrop.store import attempts as rows
from nightdrop.store.batch_control import cancel_own
from nightdrop.store.documents import DocumentsGone, known_documents, name_documents
from nightdrop.store.executors import is_registered
from nightdrop.store.load import load_run, statuses
from nightdrop.store.release import release
from nightdrop.store.submissions import accept_once

log = logging.getLogger("nightdrop.engine")

T = TypeVar("T")

_MOST_AT_ONCE = 4096  # workflows: the pump keeps far fewer in the queue


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How this process executes. concurrency: runs at a time from the queue, None: as many
    as goes well. own_batches: claim only runs of batches
    that `adopt` named. role: what the process is. quarantine: starts a watched child that runs suspects (of these
    batches, None for any) one at a time."""

    concurrency: int | None
    lease_seconds: float
    own_batches: bool = False
    role: Role = "process"
    quarantine: Callable[[Sequence[str | None]], None] | None = None


class Engine:
    """Lives on the portal's event loop. Started by `engine_for`, stopped by closing the database."""

    def __init__(self, db: Database, registry: Registry, reader: ReaderPool, options: EngineOptions) -> None:
        self.db = db
        self.registry = registry
        self.executor_id = ""
        self._reader = reader
        self._options = options

    async def start(self) -> None:
        """Take a lease, reclaim what dead processes left, and begin to work."""
        gc.collect()
        gc.freeze()  # imported modules are never garbage: collections skip them, a quarter less CPU
        identity = this_process(self._options.role)
        self.executor_id = identity.executor_id
        self.desk = Desk(self.db)
        self.waiters = Waiters(lambda ids: self.desk.read(lambda c: statuses(c, ids)))
        alone = self._options.role == "quarantine"
        self._board = Board(self.desk, self.executor_id)
        concurrency = self._options.concurrency
        capacity = Capacity(self.registry, self._board, concurrency)
        self._host = DbosHost(self.db.engine, self.executor_id, 1 if alone else _MOST_AT_ONCE)
        self._lease = Lease(
            self.db, identity, self.registry, self._options.lease_seconds, concurrency or default_concurrency()
        )
        purses = Purses()
        memory = load_settings().memory_mb * 1024 * 1024
        self._attempts = Attempts(
            self.desk,
            self.registry,
            self._reader,
            self.waiters,
            self.executor_id,
            Places(capacity.runs),
            purses,
            Room(lambda: memory),
        )
        suspects = None if alone else Suspects(self.desk, self.registry, self._options.quarantine)
        self._pump = Pump(self.desk, self._host, capacity, self._attempts, suspects, purses, self.executor_id)
        if self._options.own_batches:
            self._pump.batches = set()
        use_board(self._board)
        try:
            await self._host.start(self._attempts.execute)
            await asyncio.to_thread(self._lease.begin)
            await self._board.start()
        except BaseException:
            await self._host.stop()  # or every later start would find a half-started DBOS
            self.desk.close()
            raise
        loop = asyncio.get_running_loop()
        self._lease.keep(
            on_cancel=partial(_on_loop, loop, self._stop_runs),
            on_reclaim=self._host.forget_queue,
            on_lost=partial(self._begin_again, loop),
        )
        self._pump.start()

    def _begin_again(self, loop: asyncio.AbstractEventLoop) -> None:
        """This process was taken for dead: its queue is gone, and what waited in it is queued for everyone again."""
        self._host.open_queue()
        loop.call_soon_threadsafe(self._attempts.drop_queued)

    def adopt(self, batch_id: str) -> None:
        """Execute runs of this batch (needed only with own_batches)."""
        if self._pump.batches is not None:
            self._pump.batches.add(batch_id)
        self._pump.wake()

    async def keep(self, documents: Sequence[NewDocument]) -> list[dict[str, Any]]:
        """Write bytes that the store does not hold yet; returns their rows, for the transaction that accepts them."""
        return await self.desk.off_loop(self._keep, documents)

    async def write_over(self, documents: Sequence[NewDocument], commit: Callable[[sa.Connection], T]) -> T:
        """Store documents and commit what names them; again, if they were removed as old in between."""
        hashes = {d.sha256 for d in documents}
        while True:
            kept = await self.keep(documents)
            reach("accept.stored")

            def write(connection: sa.Connection, kept: list[dict[str, Any]] = kept) -> T:
                name_documents(connection, self.db.blobs, kept, hashes)
                return commit(connection)

            try:
                return await self.desk.write(write)
            except DocumentsGone:
                continue

    def _keep(self, documents: Sequence[NewDocument]) -> list[dict[str, Any]]:
        by_hash = {d.sha256: d for d in documents}
        with self.db.read() as connection:
            known = known_documents(connection, by_hash)
        missing = [(sha, d.content) for sha, d in by_hash.items() if sha not in known]
        locations = self.db.blobs.put_many(missing)
        now_ms = clock.now_ms()
        return [
            {
                "sha256": sha,
                "size": len(content),
                "mime_type": by_hash[sha].mime_type,
                "location": locations[sha],
                "created_at": now_ms,
            }
            for sha, content in missing
        ]

    async def accept_now(
        self, request: RunRequest, documents: Sequence[NewDocument], on_event: Callable[[RunEvent], None] | None = None
    ) -> Accepted:
        """Commit a run with its documents and execute it here at once, unless the session's run serves.

        on_event: hears of the answer's text and of steps as they come, if the run executes here.
        """
        here = replace(request, executor_id=self.executor_id)
        noted: set[str] = set()  # ids given by tries of this transaction, also by those that were not the last

        def commit(connection: sa.Connection) -> Accepted:
            leased = is_registered(connection, self.executor_id)
            answer = accept_once(connection, here if leased else request, clock.now_ms())
            if leased and answer.fresh and answer.status.is_open:
                noted.add(answer.run_id)
                self._attempts.starting.add(answer.run_id)  # before the commit, so that it is never taken for lost
            reach("accept.commit")
            return answer

        try:
            accepted = await self.write_over(documents, commit)
            noted.discard(accepted.run_id)
        finally:  # what was committed all the same (its acknowledgement was lost) is found as lost, and queued
            self._attempts.starting -= noted
        reach("accept.committed")
        if accepted.run_id in self._attempts.starting:
            if on_event is not None:
                self._attempts.listen(accepted.run_id, on_event)
            await self._begin_now(accepted)
        return accepted

    async def _begin_now(self, accepted: Accepted) -> None:
        """Start an accepted run. Accepted is accepted: one that cannot be started now is queued for everyone."""
        try:
            await self._host.run_now(accepted.run_id, accepted.attempt)
        except Exception as error:  # noqa: BLE001 - DBOS's own errors and the database's
            log.warning("run %s cannot be started now, it is queued: %s", accepted.run_id, error)
            self._attempts.starting.discard(accepted.run_id)
            await self.desk.insist(lambda c: release(c, self.executor_id, [accepted.run_id]))

    def unlisten(self, run_id: str) -> None:
        """Nobody hears of this run's text any more."""
        self._attempts.unlisten(run_id)

    async def wait(self, run_id: str, *, just_started: bool = False) -> RunOutput:
        """The run once it has ended, whoever executes it. just_started: it is surely open. Raises RunNotFound."""
        while True:
            with self.waiters.expecting(run_id) as ended:
                if not just_started:
                    run = await self.load(run_id)
                    if not run.status.is_open:
                        return run
                just_started = False
                await ended

    async def load(self, run_id: str) -> RunOutput:
        """The run as committed now. Raises RunNotFound."""
        run = await self.desk.read(lambda c: load_run(c, run_id))
        if run is None:
            raise RunNotFound(f"there is no run {run_id!r} in {self.db.label}")
        return run

    async def cancel(self, run_ids: Sequence[str]) -> int:
        """Ask runs to stop, wherever they are; returns how many were open."""
        asked = await self.desk.write(lambda c: rows.cancel(c, run_ids, clock.now_ms()))
        self._tell_stopped(run_ids)
        return asked

    async def cancel_batch_runs(self, batch_id: str, run_ids: Sequence[str]) -> int:
        """`cancel` of a batch's runs, but for those that another batch waits for."""
        asked = await self.desk.write(lambda c: cancel_own(c, batch_id, run_ids, clock.now_ms()))
        self._tell_stopped(asked)
        return len(asked)

    def _tell_stopped(self, run_ids: Sequence[str]) -> None:
        self._stop_runs(run_ids)
        for run_id in run_ids:
            self.waiters.ended(run_id)

    def wake(self) -> None:
        """Look for queued runs now."""
        self._pump.wake()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in this process's hands."""
        return not self._attempts.held

    async def drain(self, seconds: float) -> None:
        """Take nothing new, hand back what has not begun, and give what runs up to `seconds` to end."""
        await self._pump.stop()
        await asyncio.to_thread(self._lease.drain)
        waiting = self._attempts.drop_queued()
        if waiting:
            await self.desk.write(lambda c: release(c, self.executor_id, list(waiting)))
        await self._attempts.ended(seconds)

    def abandon(self) -> None:
        """Hand every open run back to the queue, from any thread, without waiting for anything."""
        self._attempts.leaving = True
        try:
            self._lease.end()
        except NightdropError as error:
            log.warning("open runs could not be handed back now; their lease will run out: %s", error)

    async def stop(self) -> None:
        """Stop working: nothing more is claimed, open runs go back to the queue."""
        await self._pump.stop()
        self._host.refuse()
        await self._attempts.leave()
        await self._board.stop()
        use_board(None)
        await asyncio.to_thread(self.abandon)
        await self._host.stop()
        await asyncio.to_thread(self.desk.close)

    def _stop_runs(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            self._attempts.stop(run_id)


def _on_loop(loop: asyncio.AbstractEventLoop, act: Callable[[Sequence[str]], None], run_ids: list[str]) -> None:
    loop.call_soon_threadsafe(act, run_ids)
