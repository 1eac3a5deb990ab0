"""The loop of a watch: look, wait for a change or the interval, look again; a source that is away is waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.engine import Engine
from nightdrop.errors import NightdropError, UsageError
from nightdrop.schedules.tidy import Tidy
from nightdrop.store.watches import documents_by_batch, end_acceptance, has_taken, unfinished_batches
from nightdrop.watch.call import WatchCall
from nightdrop.watch.changes import Changes
from nightdrop.watch.follow import Follower
from nightdrop.watch.look import Unread, look
from nightdrop.watch.rows import RowsFile

log = logging.getLogger("nightdrop.watch")

_TIDY_SECONDS = 0.5
_MOST_BACKOFF_SECONDS = 300.0
_AFTER_SETTLED_SECONDS = 0.2  # behind a change that has settled, so that its time of change is past for sure
_BROKEN = (NightdropError, OSError, sa.exc.SQLAlchemyError)


class Told(Protocol):
    """Who is told what happens; called on threads."""

    def event(self, name: str, **facts: Any) -> None:
        """`taken_in`, `source_gone`, `source_back`."""

    def result(self, row: Mapping[str, Any]) -> None:
        """A document has ended: its result row."""


class Watcher:
    """Watches one source. Lives on the portal's loop; what it takes in is executed by this process's engine, too."""

    def __init__(self, engine: Engine, call: WatchCall, told: Told, rows: RowsFile | None = None) -> None:
        self._engine = engine
        self._call = call
        self._told = told
        self._rows = rows
        self._tidy = Tidy(engine)
        self._changes = Changes(call.folder)
        self._unread = Unread()
        self._stopping = asyncio.Event()
        self._accepting: str | None = None
        self._misses = 0  # looks in a row at which the source was away
        self._looked = False
        self.results = Follower(engine, self._tell)

    async def run(self) -> None:
        """Until `stop`; with `once` until what lies there has ended. Raises UsageError for a source that never was."""
        tidying = asyncio.create_task(self._tidy_up())
        try:
            await self._go_on()
            while not self._stopping.is_set():
                await self._look_or_say()
                if self._call.once:
                    await self._until_stopped(self.results.ended())
                    break
                await self._until_stopped(self._wait())
                self.results.check()
        finally:
            tidying.cancel()
            await asyncio.gather(tidying, self._changes.stop(), return_exceptions=True)
        if not self._stopping.is_set():
            await self._tidy.finish()

    def stop(self) -> None:
        """Take nothing more in; `run` returns when the documents that are being taken in are committed."""
        self._stopping.set()

    async def close(self) -> None:
        """Tell what has ended by now, and put nothing more away."""
        await self.results.stop()
        await self._tidy.stop()

    async def _go_on(self) -> None:
        """What an earlier process of this watch has left: its batches are followed, results not written are written."""
        watch_id, write = self._call.id, self._engine.desk.write
        await write(partial(end_acceptance, watch_id=watch_id, now_ms=clock.now_ms()))
        unfinished = await self._engine.desk.read(partial(unfinished_batches, watch_id=watch_id))
        missing: dict[str, set[str]] = {}
        if self._rows is not None:
            documents = await self._engine.desk.read(partial(documents_by_batch, watch_id=watch_id))
            missing = await asyncio.to_thread(self._rows.missing, documents)
        for batch_id in unfinished:
            self.results.follow(batch_id, missing.pop(batch_id, set()), self._is_accepted)
        for batch_id, told in missing.items():
            await self.results.catch_up(batch_id, told)
        self._looked = await self._engine.desk.read(partial(has_taken, watch_id=watch_id))

    async def _look_or_say(self) -> None:
        try:
            await asyncio.shield(self._look())
        except _BROKEN as error:
            if not self._looked and (self._call.once or isinstance(error, UsageError)):
                raise  # it never was there: a wrong call
            self._misses += 1
            await self._event("source_gone", error=str(error), again_in=self._pause)
            if self._call.once:
                raise
            return
        self._looked = True
        if self._misses:
            self._misses = 0
            await self._event("source_back")
        self._changes.listen()

    async def _look(self) -> None:
        try:
            batch_id = await look(self._engine, self._call, self._unread, self._opened)
        finally:
            self._accepting = None
        if batch_id is not None:
            await self._event("taken_in", batch_id=batch_id)

    def _opened(self, batch_id: str) -> None:
        self._accepting = batch_id
        self.results.follow(batch_id, set(), self._is_accepted)

    def _is_accepted(self, batch_id: str) -> bool:
        return self._accepting != batch_id

    @property
    def _pause(self) -> float:
        """Seconds to the next look: the interval, twice as long at each look at which the source was away."""
        interval = self._call.interval_seconds
        return interval if not self._misses else max(interval, min(interval * 2**self._misses, _MOST_BACKOFF_SECONDS))

    async def _wait(self) -> None:
        if await self._changes.wait(self._pause):
            await asyncio.sleep(self._call.payload.settle_seconds + _AFTER_SETTLED_SECONDS)

    async def _until_stopped(self, waiting: Any) -> None:
        task, stopped = asyncio.ensure_future(waiting), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        finally:
            for one in (task, stopped):
                one.cancel()
            await asyncio.gather(task, stopped, return_exceptions=True)

    async def _tidy_up(self) -> None:
        while True:
            try:
                await self._tidy.look()
            except _BROKEN as error:
                log.error("watch: files are not put away now: %s; it is tried again", error)
            await asyncio.sleep(_TIDY_SECONDS)

    async def _event(self, name: str, **facts: Any) -> None:
        await asyncio.to_thread(partial(self._told.event, name, **facts))

    def _tell(self, row: Mapping[str, Any]) -> None:
        if self._rows is not None:
            self._rows.add(row)
        self._told.result(row)
