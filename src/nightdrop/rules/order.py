"""Order and bounds of dates and numbers."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

from nightdrop.rules.paths import as_day, as_number, groups_at, inside, values_at
from nightdrop.rules.rule import Failed, Rule, named

Bound = datetime.date | Decimal | int | float | str


def in_order(*paths: str, each: str = "", strictly: bool = False, ask_again: bool = False) -> Rule:
    """Dates (or numbers) do not decrease in this order: `in_order("date", "due_date")`. Nulls are left out.

    strictly: two may not be equal. each: in every element of a list, with paths from there.
    """

    def test(content: Any) -> Iterator[Failed]:
        for group in groups_at(content, each):
            given = [place for path in paths for place in inside(group, path)]
            for (first, low), (second, high) in pairwise(given):
                if not _is_before(low, high, strictly):
                    how = "not before" if strictly else "after"
                    yield Failed(f"{first} {low} is {how} {second} {high}", first, second, ask_again=ask_again)

    name = named("in_order", *paths, each=each or None, strictly=strictly or None)
    return Rule(name=name, test=test, ask_again=ask_again)


def between(path: str, least: Bound | None = None, most: Bound | None = None, *, ask_again: bool = False) -> Rule:
    """A number or date is not below `least` and not above `most`; None leaves that side open."""
    low, high = _bound(least), _bound(most)

    def test(content: Any) -> Iterator[Failed]:
        for at, value in values_at(content, path):
            if low is not None and not _is_before(low, value, False):
                yield Failed(f"{at} {value} is below {low}", at)
            if high is not None and not _is_before(value, high, False):
                yield Failed(f"{at} {value} is above {high}", at)

    return Rule(name=named("between", path, low, high), test=test, ask_again=ask_again)


def _bound(given: Bound | None) -> str | None:
    return given.isoformat() if isinstance(given, datetime.date) else None if given is None else str(given)


def _is_before(low: Any, high: Any, strictly: bool) -> bool:
    """False also for what cannot be compared."""
    days = as_day(low), as_day(high)
    if days[0] is not None and days[1] is not None:
        return days[0] < days[1] or (not strictly and days[0] == days[1])
    numbers = as_number(low), as_number(high)
    if numbers[0] is not None and numbers[1] is not None:
        return numbers[0] < numbers[1] or (not strictly and numbers[0] == numbers[1])
    return False
