"""One background event loop per process: where durable work runs, and how sync code calls async code."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from nightdrop.errors import UsageError

T = TypeVar("T")

_lock = threading.Lock()
_portal: Portal | None = None


class Portal:
    """A daemon thread with an event loop. Never joined: leaving the process waits for nothing."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="nightdrop-portal", daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and wait for its result. Ctrl-C while waiting cancels it."""
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise UsageError("a sync call from inside nightdrop's own event loop would wait for itself: use await")
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine there; its result is waited for by whoever wants it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    async def bridge(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine that runs there, from any event loop. Cancelling the wait cancels the coroutine."""
        if asyncio.get_running_loop() is self.loop:
            return await coroutine
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.loop))

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


def portal() -> Portal:
    """This process's portal; a forked child gets its own."""
    global _portal
    with _lock:
        if _portal is None or _portal.pid != os.getpid():
            _portal = Portal()
        return _portal
