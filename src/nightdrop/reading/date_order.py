"""Day or month first: what the document's other dates say about one that can be read both ways."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from nightdrop.reading.dates import dates_in
from nightdrop.reading.found import Found
from nightdrop.reading.lines import Line
from nightdrop.reading.spans import TWO_READINGS

Order = Literal["day", "month"]
_SIDES = re.compile(r"(\d\d?)[-/](\d\d?)[-/](?:\d\d){1,2}")
_RESOLVED = 0.95


def date_order(lines: Sequence[Line]) -> Order | None:
    """The order that the dates with only one reading are written in; None when they say nothing or differ."""
    orders: set[Order] = set()
    for line in lines:
        for date in dates_in(line.text):
            sides = _SIDES.fullmatch(line.text[date.start : date.end])
            if sides and date.other is None and sides[1] != sides[2]:
                orders.add("day" if int(sides[1]) > 12 else "month")
    return orders.pop() if len(orders) == 1 else None


def in_order(found: Found, order: Order | None) -> Found:
    """A date with two readings in the document's order; any other value as it is."""
    date = next(dates_in(found.evidence), None)
    if order is None or date is None or date.other is None:
        return found
    value = date.value if order == "day" else date.other
    return replace(found, value=value, confidence=found.confidence / TWO_READINGS * _RESOLVED)
