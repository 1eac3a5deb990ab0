"""Changes in a folder of this machine, told by the operating system, so that no look has to wait for its turn."""

from __future__ import annotations

import asyncio
import logging

from watchfiles import awatch

log = logging.getLogger("nightdrop.watch")


class Changes:
    """Set when something below the folder has changed. A folder of a server that tells nothing is found by looks."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._task: asyncio.Task[None] | None = None
        self._happened = asyncio.Event()

    def listen(self) -> None:
        """Begin to listen, or begin again when the folder was away."""
        if self._folder is not None and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run(self._folder))

    async def wait(self, seconds: float) -> bool:
        """Whether something has changed, waiting so long for it."""
        try:
            await asyncio.wait_for(self._happened.wait(), seconds)
        except TimeoutError:
            return False
        self._happened.clear()
        return True

    async def stop(self) -> None:
        """Listen no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self, folder: str) -> None:
        try:
            async for _ in awatch(folder, watch_filter=None, recursive=True):
                self._happened.set()
        except (OSError, RuntimeError) as error:  # too many watches, or a folder that is gone
            log.warning("%s: changes are not told here (%s); it is looked at again and again", folder, error)
