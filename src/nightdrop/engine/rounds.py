"""How often something looks whether there is work: soon after this process has written, rarely when nothing happens."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from nightdrop.engine.desk import Desk


class Rounds:
    """The rests between looks. Where nothing happens they double, up to `longest` seconds: so late is seen, at most,
    what other processes write and what was put off. After a write of this process they are short again."""

    def __init__(self, desk: Desk, *, shortest: float = 0.5, longest: float = 5.0) -> None:
        self._committed = desk.commits()
        self._shortest, self._longest = shortest, longest
        self.seconds = shortest

    async def rest(self) -> None:
        """Return when it is time to look again."""
        await asyncio.sleep(self._shortest)
        self.seconds = min(2 * self.seconds, self._longest)
        with suppress(TimeoutError):
            async with asyncio.timeout(self.seconds - self._shortest):  # wait_for may swallow a cancellation
                await self._committed.wait()
        if self._committed.is_set():
            self.seconds = self._shortest
            self._committed.clear()
