"""The only place that reads the clock. Everything else takes time as an argument or calls this."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_ms() -> int:
    """Milliseconds since 1970 in UTC: the unit of every time column."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds on a clock that never goes back: for durations and deadlines within one process."""
    return time.monotonic()


def to_datetime(ms: int | None) -> datetime | None:
    """A stored time as an aware UTC datetime, None stays None."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, tz=UTC)


def to_ms(when: datetime) -> int:
    """An aware time as the milliseconds that are stored, exactly."""
    return (when - _EPOCH) // timedelta(milliseconds=1)


def iso(when: datetime | None) -> str | None:
    """A time as RFC 3339 with milliseconds and `Z`, the form of every JSON answer; None stays None."""
    return None if when is None else when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
