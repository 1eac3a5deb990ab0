"""Identifiers: time-ordered UUIDs (RFC 9562 version 7), so that rows sort by creation."""

from __future__ import annotations

import os
import uuid

from nightdrop import clock


def new_id(at_ms: int | None = None) -> str:
    """A new UUIDv7 as its 36-character text; `at_ms` is the time it sorts by (now when None)."""
    stamp = clock.now_ms() if at_ms is None else at_ms
    value = (stamp & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def slug(name: str) -> str:
    """A name as an id for routes and rows: lower case, `-` between words, never empty."""
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    return "-".join(words) or "agent"
