"""The desk: the engine's access to database and blobs from its event loop, without blocking it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import sqlalchemy as sa

from nightdrop.errors import StorageFailed
from nightdrop.store import Database
from nightdrop.store.writer import Writer

T = TypeVar("T")
A = TypeVar("A")

log = logging.getLogger("nightdrop.engine")

_READERS = 4
_TRIES, _PAUSE_SECONDS = 30, 1.0


class Desk:
    """Reads on a few threads, writes on one. Open from the engine's start to its stop."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._writer = Writer(db)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="nightdrop-reader")
        self._told: list[asyncio.Event] = []

    def commits(self) -> asyncio.Event:
        """Set after each write of this desk, for whoever looks for what others have written here; clear it yourself."""
        event = asyncio.Event()
        self._told.append(event)
        return event

    async def read(self, query: Callable[[sa.Connection], T]) -> T:
        """Run a query on a reading thread."""
        return await self.off_loop(self._read, query)

    def _read(self, query: Callable[[sa.Connection], T]) -> T:
        with self.db.read() as connection:
            return query(connection)

    async def off_loop(self, work: Callable[[A], T], argument: A) -> T:
        """Do blocking work on one of the reading threads."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, argument)

    async def write(self, operation: Callable[[sa.Connection], T]) -> T:
        """Run an operation on the writing thread; returns after its commit. Raises StorageFailed."""
        written = await self._writer.write(operation)
        for event in self._told:
            event.set()
        return written

    @property
    def commit_seconds(self) -> float:
        """How long the last write took to be committed."""
        return self._writer.seconds

    async def insist(self, operation: Callable[[sa.Connection], T]) -> T:
        """`write` for what must not be dropped: while the database cannot be written it is kept and tried again.

        Raises StorageFailed when half a minute of tries has not helped.
        """
        for left in range(_TRIES, 0, -1):
            try:
                return await self.write(operation)
            except StorageFailed as error:
                log.error("not stored yet (%s), %d more tries", error, left - 1)
                if left == 1:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    async def blob(self, location: str) -> bytes:
        """A document's bytes."""
        return await self.off_loop(self.db.blobs.read, location)

    def close(self) -> None:
        """Finish queued writes and end the threads."""
        self._writer.close()
        self._readers.shutdown(wait=False)
