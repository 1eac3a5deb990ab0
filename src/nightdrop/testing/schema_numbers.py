"""Numbers that fit a JSON schema's bounds."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

from nightdrop.errors import UsageError

_SPAN = {"integer": 100, "number": 1000}
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})


def number(schema: dict[str, Any], kind: str, source: random.Random) -> int | float:
    """An integer or number within minimum, maximum, their exclusive twins and multipleOf."""
    if _BOUNDS.isdisjoint(schema):
        return source.randint(1, _SPAN[kind]) if kind == "integer" else source.randint(100, 100 * _SPAN[kind]) / 100
    step = (
        Fraction(str(schema["multipleOf"])) if "multipleOf" in schema else Fraction(1 if kind == "integer" else "0.01")
    )
    low, high = _bounds(schema, kind)
    first, last = math.ceil(low / step), math.floor(high / step)
    if "exclusiveMinimum" in schema and first * step == Fraction(str(schema["exclusiveMinimum"])):
        first += 1
    if "exclusiveMaximum" in schema and last * step == Fraction(str(schema["exclusiveMaximum"])):
        last -= 1
    if first <= last:
        value = source.randint(first, last) * step
    elif kind == "number" and "multipleOf" not in schema and low <= high:
        value = (low + high) / 2
    else:
        raise UsageError(f"no {kind} fits between {float(low)} and {float(high)}")
    return int(value) if kind == "integer" else float(value)


def _bounds(schema: dict[str, Any], kind: str) -> tuple[Fraction, Fraction]:
    lows = [Fraction(str(schema[word])) for word in ("minimum", "exclusiveMinimum") if word in schema]
    highs = [Fraction(str(schema[word])) for word in ("maximum", "exclusiveMaximum") if word in schema]
    span = max(Fraction(_SPAN[kind]), 2 * Fraction(str(schema.get("multipleOf", 1))))
    if lows:
        return max(lows), min(highs) if highs else max(lows) + span
    if highs:
        return min(Fraction(1), min(highs) - span), min(highs)
    return Fraction(1), span
