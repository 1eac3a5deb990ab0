"""The clock and the sleep that the simulator uses, so that a test can hand in its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nightdrop import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where time comes from: `monotonic` in seconds, `now_ms` since 1970, `sleep` waits for seconds."""

    monotonic: Callable[[], float] = clock.monotonic
    now_ms: Callable[[], int] = clock.now_ms
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
