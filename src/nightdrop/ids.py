"""Identifiers: time-ordered UUIDs (RFC 9562 version 7), so that rows sort by creation."""

from __future__ import annotations

import os
import threading
import uuid

from nightdrop import clock

_COUNTER_BITS = 12
_lock = threading.Lock()
_last = 0


def new_id(at_ms: int | None = None) -> str:
    """A new UUIDv7 as its 36-character text; `at_ms` is the time it sorts by (now when None).

    Ids made one after the other by one process sort in that order, also within a millisecond.
    """
    global _last
    moment = (clock.now_ms() if at_ms is None else at_ms) & 0xFFFF_FFFF_FFFF
    with _lock:
        if at_ms is None:
            _last = max(moment << _COUNTER_BITS, _last + 1)
            stamp = _last
        else:
            stamp = moment << _COUNTER_BITS | int.from_bytes(os.urandom(2), "big") & 0xFFF
    value = stamp >> _COUNTER_BITS << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64
    value |= 0x2 << 62 | int.from_bytes(os.urandom(8), "big") >> 2
    return str(uuid.UUID(int=value))


def slug(name: str) -> str:
    """A name as an id for routes and rows: lower case, `-` between words, never empty."""
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    return "-".join(words) or "agent"
