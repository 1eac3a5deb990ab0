"""Room in memory for the documents at work: so many bytes of them at a time, whatever the number of runs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """`size` bytes. Documents come in as they asked; one that is larger than the whole waits until it is alone."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def taken(self) -> int:
        """Bytes of documents at work."""
        return self._taken

    @asynccontextmanager
    async def held(self, size: int) -> AsyncIterator[None]:
        """Wait for room for so many bytes, and give it back at the end."""
        if self._waiting or not self._fits(size):
            await self._turn(size)
        else:
            self._taken += size
        try:
            yield
        finally:
            self._taken -= size
            self._look()

    async def _turn(self, size: int) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, place))
        try:
            await place
        except BaseException:
            if place.done() and not place.cancelled():
                self._taken -= size
            else:
                self._waiting.remove((size, place))
            self._look()
            raise

    def _fits(self, size: int) -> bool:
        return self._taken == 0 or self._taken + size <= self._size

    def _look(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, place = self._waiting.popleft()
            if not place.done():
                self._taken += size
                place.set_result(None)
