"""Places: how many runs of each provider are at work at a time, so that those of one do not occupy another's."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Places:
    """So many places for each group as `capacity` says at the moment."""

    def __init__(self, capacity: Callable[[str], int]) -> None:
        self._capacity = capacity
        self._taken: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def take(self, group: str) -> None:
        """Wait for a place, in order; `free` must follow."""
        waiting = self._waiting.setdefault(group, deque())
        if waiting or self._taken.get(group, 0) >= self._capacity(group):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            waiting.append(future)
            try:
                await future
            except BaseException:
                if future in waiting:
                    waiting.remove(future)
                elif not future.cancelled():
                    self.free(group)
                raise
        else:
            self._taken[group] = self._taken.get(group, 0) + 1

    def free(self, group: str) -> None:
        """Give a place back."""
        self._taken[group] -= 1
        self.look(group)

    def look(self, group: str) -> None:
        """Let those go for whom there is a place now, also because there are more."""
        waiting = self._waiting.get(group, deque())
        while waiting and self._taken.get(group, 0) < self._capacity(group):
            future = waiting.popleft()
            if not future.done():
                self._taken[group] = self._taken.get(group, 0) + 1
                future.set_result(None)

    def look_everywhere(self) -> None:
        """`look` for every group."""
        for group in self._waiting:
            self.look(group)


@contextmanager
def freed(places: Places, group: str) -> Iterator[None]:
    """Gives a taken place back at the end."""
    try:
        yield
    finally:
        places.free(group)
