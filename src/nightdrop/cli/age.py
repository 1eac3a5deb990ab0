"""Ages as a person writes them: 30m, 12h, 90d, 2w."""

from __future__ import annotations

import re

from nightdrop.errors import UsageError

_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def age_ms(text: str, option: str) -> int:
    """An age in milliseconds. Raises UsageError that says how to write one."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    if found is None:
        raise UsageError(f"{option} {text}: write a number and s, m, h, d or w, such as 12h or 90d")
    return int(found[1]) * _UNITS_MS[found[2]]
