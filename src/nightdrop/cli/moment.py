"""Moments as a person writes them: an age before now, a day or a time of ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from nightdrop import clock
from nightdrop.cli.age import age_ms
from nightdrop.errors import UsageError


def moment(text: str | None, option: str) -> datetime | None:
    """7d is seven days ago, 2026-03-01 that day's midnight; a time without a zone is UTC. Raises UsageError."""
    if text is None:
        return None
    now = datetime.fromtimestamp(clock.now_ms() / 1000, tz=UTC)
    if re.fullmatch(r"\d+[a-z]", text.strip()):
        return now - timedelta(milliseconds=age_ms(text, option))
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{option} {text}: write an age such as 7d, a day such as 2026-03-01, or a time") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
