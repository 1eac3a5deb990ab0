"""Batches that a service was asked for: accepted with all that is needed to go on, so that no death stops a listing."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.batch.accept import BatchCall, accept_batch, documents_of, listing_of
from nightdrop.batch.control import cancel_runs, resume_runs
from nightdrop.engine import Engine
from nightdrop.errors import NightdropError
from nightdrop.faults import reach
from nightdrop.records.request import Once, Subject
from nightdrop.settings import load_settings
from nightdrop.store import listings as rows
from nightdrop.store.batch_control import cancel_batch, failed_runs, try_all_again
from nightdrop.store.batches import batch_subject, open_batch
from nightdrop.store.fair_order import set_share
from nightdrop.store.submissions import fingerprint_of, once

log = logging.getLogger("nightdrop.batch")

_LOOK_SECONDS = 2.0
_AGAIN_SECONDS = 30.0
_CHUNK = 500  # runs in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A batch as it was asked for; the fields are those of BatchCall. source: as text."""

    source: str
    message: str = ""
    user_id: str | None = None
    limit: int | None = None
    rerun: bool = False
    retry_failed: bool = False
    priority: int | None = None
    weight: int | None = None
    within: tuple[str, ...] | None = None
    cache: bool = False

    def call(self, subject: Subject) -> BatchCall:
        """What is gone through. Raises UsageError."""
        given = {name: getattr(self, name) for name in self.__slots__}
        return BatchCall(subject=subject, max_bytes=load_settings().max_file_bytes, **given)

    def to_json(self) -> dict[str, Any]:
        """As a row keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Asked:
        """What `to_json` gave."""
        within = data["within"]
        return cls(**{**data, "within": None if within is None else tuple(within)})


class Listings:
    """Goes through the sources of this process's batches, and of those whose process died. On the portal's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._rests: dict[str, float] = {}  # not looked at before this time
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look for listings of the dead."""
        self._loop = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """What is not at its end goes on in another process."""
        tasks = [task for task in (self._loop, *self._tasks.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def submit(self, asked: Asked, subject: Subject, key: Once | None) -> str:
        """Commit a batch with its listing, and begin to list. Raises what its source cannot be listed for, first."""
        call = asked.call(subject)
        await asyncio.to_thread(next, await documents_of(call), None)  # a typo leaves no batch
        fingerprint = fingerprint_of([subject.kind, subject.id], asked.to_json())

        def make(connection: sa.Connection, now_ms: int) -> str:
            batch_id = open_batch(
                connection,
                subject,
                message=asked.message,
                source=asked.source,
                fingerprint=call.fingerprint,
                user_id=asked.user_id,
                now_ms=now_ms,
            )
            set_share(connection, batch_id, asked.priority, asked.weight)
            if asked.retry_failed:
                try_all_again(connection, failed_runs(connection, batch_id), now_ms)
            rows.add_listing(connection, batch_id, self._engine.executor_id, json.dumps(asked.to_json()))
            reach("accept.commit")
            return batch_id

        def commit(connection: sa.Connection) -> str:
            now_ms = clock.now_ms()
            if key is None:
                return make(connection, now_ms)
            return once(connection, key, fingerprint, "batch_id", partial(make, connection, now_ms), now_ms)

        batch_id = await self._engine.desk.write(commit)
        reach("accept.committed")
        await self.look()
        return batch_id

    async def cancel(self, batch_id: str) -> int:
        """Stop a batch: its listing here, and the runs that only it waits for. Returns how many were open."""
        task = self._tasks.get(batch_id)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return await cancel_runs(self._engine, batch_id)

    async def resume(self, batch_id: str) -> None:
        """Take a cancellation back: what was cancelled is tried again, and the listing goes on."""
        await resume_runs(self._engine, batch_id, lambda c: rows.end_listing(c, batch_id, None))
        self._rests.pop(batch_id, None)
        await self.look()

    async def look(self) -> None:
        """Go on with every listing that this process has, or nobody who lives."""
        mine = self._engine.executor_id
        for found in await self._engine.desk.read(partial(rows.open_listings, executor_id=mine)):
            if found.batch_id in self._tasks or self._rests.get(found.batch_id, 0) > clock.monotonic():
                continue
            take = partial(rows.take_listing, batch_id=found.batch_id, seen=found.executor_id, executor_id=mine)
            if found.batch_id not in self._tasks and await self._engine.desk.write(take):
                task = asyncio.create_task(self._list(found.batch_id, found.call))
                self._tasks[found.batch_id] = task
                task.add_done_callback(partial(self._listed, found.batch_id))

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except (NightdropError, sa.exc.SQLAlchemyError) as error:
                log.error("listings: %s; it is tried again", error)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _list(self, batch_id: str, call_json: str) -> None:
        subject = await self._engine.desk.read(partial(batch_subject, batch_id=batch_id))
        if subject is None:
            return
        try:
            call = Asked.from_json(json.loads(call_json)).call(subject)
            files = await documents_of(call)
            await accept_batch(self._engine, batch_id, call, listing_of(self._engine, call, files))
            return
        except NightdropError as problem:
            if problem.retryable:
                log.error("batch %s: %s; its listing is tried again", batch_id, problem)
                self._rests[batch_id] = clock.monotonic() + _AGAIN_SECONDS
                return
            error = str(problem)
        except OSError as problem:
            error = f"source_unreadable: {problem}"
        log.error("batch %s: its source was not listed to its end: %s", batch_id, error)

        def give_up(connection: sa.Connection) -> None:
            rows.end_listing(connection, batch_id, error)
            cancel_batch(connection, batch_id, clock.now_ms())  # what was taken in is carried out all the same

        await self._engine.desk.write(give_up)

    def _listed(self, batch_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(batch_id, None)
        if not task.cancelled() and task.exception() is not None:
            log.error(
                "batch %s: its listing ended with an error, it is tried again", batch_id, exc_info=task.exception()
            )
            self._rests[batch_id] = clock.monotonic() + _AGAIN_SECONDS
