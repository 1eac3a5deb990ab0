"""Room for what is at work at a time: runs of each provider by themselves, and bytes of documents of all together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial


class Room:
    """So much as `size` says at the moment. Who asks comes in as they asked; one that wants more than the whole waits
    until it is alone."""

    def __init__(self, size: Callable[[], int]) -> None:
        self._size = size
        self._taken = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def taken(self) -> int:
        """What is held now."""
        return self._taken

    @asynccontextmanager
    async def held(self, size: int) -> AsyncIterator[None]:
        """Wait for so much of it, and give it back at the end."""
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
        return self._taken == 0 or self._taken + size <= self._size()

    def _look(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, place = self._waiting.popleft()
            if not place.done():
                self._taken += size
                place.set_result(None)


class Places:
    """So many runs of each group at work at a time as `capacity` says, so that those of one provider do not occupy
    another's."""

    def __init__(self, capacity: Callable[[str], int]) -> None:
        self._capacity = capacity
        self._rooms: dict[str, Room] = {}

    def held(self, group: str) -> AbstractAsyncContextManager[None]:
        """Wait for a place, in order, and give it back at the end."""
        if group not in self._rooms:
            self._rooms[group] = Room(partial(self._capacity, group))
        return self._rooms[group].held(1)
