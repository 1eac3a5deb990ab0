"""How sure a value is: first what the page says, then what the model says of itself, last the rules."""

from __future__ import annotations

import math
from typing import Any

from nightdrop.records.field import FieldMatch

_BANDS: dict[FieldMatch, tuple[float, float, float]] = {  # least, most, and what stands without a word of the model
    FieldMatch.EXACT: (0.9, 0.98, 0.95),
    FieldMatch.NEAR: (0.6, 0.89, 0.75),
    FieldMatch.ABSENT: (0.05, 0.5, 0.25),
}
RULE_FAILED = 0.3
"""The most that a value is worth when a rule about it failed."""

_WORDS = {"very high": 0.95, "high": 0.9, "medium": 0.6, "moderate": 0.6, "low": 0.3, "very low": 0.1, "none": 0.0}


def confidence_of(match: FieldMatch, said: float | None) -> float | None:
    """The match decides the band; the model's own word only the place in it. None: nothing is known."""
    if match not in _BANDS:
        return None
    least, most, usual = _BANDS[match]
    return usual if said is None else round(least + (most - least) * said, 2)


def said_of(word: Any) -> float | None:
    """A model's own word as 0 to 1: a number (percent above 1), or high, medium, low; None for anything else."""
    if isinstance(word, str):
        return _WORDS.get(word.strip().casefold().replace("_", " "))
    if isinstance(word, bool) or not isinstance(word, int | float) or not math.isfinite(word):
        return None
    share = word / 100 if word > 1 else word
    return min(1.0, max(0.0, float(share)))
