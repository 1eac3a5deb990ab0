"""Values of an answer by dotted path."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

Place = tuple[str, Any]  # a path without wildcards, and the value there


def values_at(content: Any, path: str) -> list[Place]:
    """Every value that a path means, nulls and what is not there left out.

    Of a value with a confidence beside it, as `{"value": ..., "confidence": ...}`, the value.
    """
    return [place for place in _walk(content, path.split(".") if path else [], "") if place[1] is not None]


def _walk(value: Any, parts: list[str], at: str) -> Iterator[Place]:
    if not parts:
        if isinstance(value, Mapping) and {"value", "confidence"} <= value.keys():
            yield _join(at, "value"), value["value"]
        else:
            yield at, value
        return
    first, rest = parts[0], parts[1:]
    if isinstance(value, list):
        indexes = range(len(value)) if first == "*" else [int(first)] if first.isdecimal() else []
        for index in indexes:
            if index < len(value):
                yield from _walk(value[index], rest, _join(at, str(index)))
    elif isinstance(value, Mapping):
        for key in value if first == "*" else [first]:
            if key in value:
                yield from _walk(value[key], rest, _join(at, str(key)))


def groups_at(content: Any, each: str) -> list[Place]:
    """What a rule looks at, one after the other: every element that `each` means, or the whole answer."""
    return values_at(content, each) if each else [("", content)]


def inside(group: Place, path: str) -> list[Place]:
    """Values within a group, with their paths in the whole answer."""
    at, content = group
    return [(_join(at, inner), value) for inner, value in values_at(content, path)]


def as_number(value: Any) -> Decimal | None:
    """A number, or text that is one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def as_day(value: Any) -> datetime.date | None:
    """An ISO 8601 date, or the day of a time; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.date.fromisoformat(value.strip()[:10])
    except ValueError:
        return None


def _join(at: str, part: str) -> str:
    return f"{at}.{part}" if at and part else at or part
