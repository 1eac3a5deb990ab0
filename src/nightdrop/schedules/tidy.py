"""Putting files away: what lies here at each look, what lies on servers meanwhile, so that no fire waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from nightdrop import clock
from nightdrop.engine import Engine
from nightdrop.errors import NightdropError
from nightdrop.schedules.after import put_away
from nightdrop.store.schedule_files import after_done, finished_files

log = logging.getLogger("nightdrop.schedules")

_TOGETHER = 8  # files put away at a time on servers
_REST_SECONDS = 60.0  # how long a server is left alone that could not put a file away


class Tidy:
    """Does what `after` says of each file whose result is committed. Lives on the portal's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._remote: asyncio.Task[None] | None = None
        self._rests: dict[str, float] = {}  # servers not asked before this time

    async def look(self) -> bool:
        """Put away what lies here, and begin with what lies elsewhere if nobody is at it. True: something was."""
        here = [
            await self._put_away(row) for row in await self._engine.desk.read(partial(finished_files, remote=False))
        ]
        if self._remote is None or self._remote.done():
            rows = self._reachable(await self._engine.desk.read(partial(finished_files, remote=True)))
            if rows:
                self._remote = asyncio.create_task(self._put_all_away(rows))
        return any(here)

    async def finish(self) -> None:
        """Put away all that can be put away now: for a process that comes to its end."""
        while await self.look() or (self._remote is not None and not self._remote.done()):
            if self._remote is not None:
                await self._remote

    async def stop(self) -> None:
        """Begin nothing more; what is not done is done by another process."""
        if self._remote is not None:
            self._remote.cancel()
            await asyncio.gather(self._remote, return_exceptions=True)

    def _reachable(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        now = clock.monotonic()
        return [row for row in rows if self._rests.get(_server(row), 0.0) <= now]

    async def _put_all_away(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for at in range(0, len(rows), _TOGETHER):
            todo = self._reachable(rows[at : at + _TOGETHER])
            done = await asyncio.gather(*[self._put_away(row) for row in todo])
            for row, is_done in zip(todo, done, strict=True):
                if not is_done:
                    self._rests[_server(row)] = clock.monotonic() + _REST_SECONDS

    async def _put_away(self, row: Mapping[str, Any]) -> bool:
        try:
            done = await asyncio.to_thread(put_away, row)
        except NightdropError as error:
            log.error("%s: %s is not possible here: %s", row["path"], row["after"], error)
            return False
        if done:
            await self._engine.desk.write(partial(after_done, row=row))
        return done


def _server(row: Mapping[str, Any]) -> str:
    parts = urlsplit(str(row["path"]))
    return f"{parts.scheme}://{parts.netloc}"
