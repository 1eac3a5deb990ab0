"""Calling a user's function: an async one on the loop, a sync one in a thread, several at the same time."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread

MOST_THREADS = 64
"""Sync functions of steps at a time in one process."""

_threads: anyio.CapacityLimiter | None = None


async def call(function: Callable[[Any], Any], argument: Any) -> Any:
    """The function's result. A cancelled caller goes on at once; the thread of a sync function ends by itself."""
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        return await function(argument)
    found = await anyio.to_thread.run_sync(function, argument, abandon_on_cancel=True, limiter=_limiter())
    return await found if inspect.isawaitable(found) else found


def _limiter() -> anyio.CapacityLimiter:
    global _threads
    if _threads is None:
        _threads = anyio.CapacityLimiter(MOST_THREADS)
    return _threads
