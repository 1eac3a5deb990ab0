"""Dates as documents print them. Only whole dates that exist are dates; what may be read two ways says so."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from nightdrop.reading.words import plain

_LANGUAGES = ("en", "de", "fr", "nl", "es", "it", "pt", "pl", "sv", "da")
_YEAR = r"(?:19|20)\d\d"
_NUMERIC = re.compile(
    rf"(?<![\w.,/\-])(?:(?P<y1>{_YEAR})(?P<s1>[-./])(?P<m1>\d\d?)(?P=s1)(?P<d1>\d\d?)"
    rf"|(?P<a>\d\d?)(?P<s2>[-./]|\.\s)(?P<b>\d\d?)(?P<s3>[-./]|\.\s)(?P<y2>{_YEAR}|\d\d)"
    rf"|(?P<compact>(?:19|20)\d\d[01]\d[0-3]\d))(?![\w/\-]|[.,]\d)"
)
_NAMED = re.compile(
    rf"(?<![\w.,/\-])(?:(?P<day>\d\d?)(?:st|nd|rd|th|er|°|º|ª)?[.\s\-/]{{0,3}}(?:de\s|of\s)?\s?(?P<month>[^\W\d_]{{3,12}})[.,]?"
    rf"[\s\-/]{{0,3}}(?:de\s|del\s)?\s?(?P<year>{_YEAR}|\d\d(?=$|[\s,;)]))"
    rf"|(?P<month2>[^\W\d_]{{3,12}})\.?\s?(?P<day2>\d\d?)(?:st|nd|rd|th)?\s{{0,2}},?\s{{0,2}}(?P<year2>{_YEAR}))(?![\w/\-])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateFound:
    """A date in a line of text. other: its second reading, when day and month could be exchanged (03/04/2026)."""

    value: datetime.date
    start: int
    end: int
    other: datetime.date | None = None


def dates_in(text: str) -> Iterator[DateFound]:
    """Every whole date of the text, in order. Ambiguous ones are read day first and carry `other`."""
    found = [date for pattern in (_NUMERIC, _NAMED) for m in pattern.finditer(text) if (date := _read(m)) is not None]
    yield from sorted(found, key=lambda date: date.start)


def parse_date(text: str) -> datetime.date | None:
    """The date when the text is one unambiguous date (a time may follow it, as in ISO 8601); None otherwise."""
    text = text.strip()
    iso = re.match(rf"({_YEAR}-\d\d-\d\d)(?:T[\d:.]+)?(?:Z|[+-]\d\d:?\d\d)?$", text)
    text = iso[1] if iso else text
    for date in dates_in(text):
        return date.value if date.start == 0 and date.end == len(text) and date.other is None else None
    return None


def _read(match: re.Match[str]) -> DateFound | None:
    groups = match.groupdict()
    other = None
    if "month2" in groups:
        month = _months().get(plain(groups["month"] or groups["month2"]))
        value = month and _day(groups["year"] or groups["year2"], month, int(groups["day"] or groups["day2"]))
    elif groups["y1"]:
        value = _day(groups["y1"], int(groups["m1"]), int(groups["d1"]))
    elif groups["compact"]:
        compact = groups["compact"]
        value = _day(compact[:4], int(compact[4:6]), int(compact[6:]))
    else:
        value, other = _two_ways(groups)
    if not value:
        return None
    return DateFound(value=value, start=match.start(), end=match.end(), other=other)


def _two_ways(groups: dict[str, str]) -> tuple[datetime.date | None, datetime.date | None]:
    """Day first, and month first where a slash or dash leaves it open; a point always means day first."""
    first, second, year = int(groups["a"]), int(groups["b"]), groups["y2"]
    if groups["s2"].strip() != groups["s3"].strip():
        return None, None
    day_first = _day(year, second, first)
    if groups["s2"].strip() == ".":
        return day_first, None
    month_first = _day(year, first, second)
    if day_first is None or month_first is None or day_first == month_first:
        return day_first or month_first, None
    return day_first, month_first


def _day(year: str, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(int(year) if len(year) == 4 else 2000 + int(year), month, day)
    except ValueError:
        return None


@cache
def _months() -> dict[str, int]:
    from babel.dates import get_month_names  # 0.1 s: only where a month is named

    names: dict[str, int] = {}
    for language in _LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, language).items():
                    short = plain(name).strip(".")
                    if len(short) >= 3 and short.isalpha():
                        names.setdefault(short, number)
    names.update(sept=9, mrz=3, mrt=3, okt=10, dez=12, ene=1, ago=8, dic=12, gen=1)
    return names
