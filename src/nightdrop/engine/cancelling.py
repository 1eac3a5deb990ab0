"""Cancelling tasks for sure: a task may swallow one cancellation that meets it at the wrong moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

log = logging.getLogger("nightdrop.engine")

_TIMES, _SECONDS = 5, 1.0


async def cancel_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended; one that does not is cancelled again, and left in the end."""
    left = {task for task in tasks if not task.done()}
    for _ in range(_TIMES):
        for task in left:
            task.cancel()
        if left:
            _, left = await asyncio.wait(left, timeout=_SECONDS)
    for task in left:
        log.warning("a task does not end, it is left behind: %r", task)
