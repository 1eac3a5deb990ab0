"""Where a value stands in a document: the grounding of answers, whoever gave them."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from nightdrop.reading.convert import as_date, as_decimal
from nightdrop.reading.dates import dates_in
from nightdrop.reading.found import Box
from nightdrop.reading.lines import Line, lines_of
from nightdrop.reading.numbers import amounts_in, currencies_of, parse_number
from nightdrop.reading.offsets import Offsets
from nightdrop.reading.shape import DATES, NUMBERS, Kind
from nightdrop.reading.words import plain
from nightdrop.records import DocumentText
from nightdrop.records.field import FieldMatch

_Place = tuple[Line, int, int]  # with start and end in its text
_Piece = tuple[str, int, int, int]  # a word, the number of its line, start and end there
_PIECE = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"\d")
_SHORTEST_NEAR = 6  # characters; shorter names must stand there as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A place where the value stands. EXACT: the same value; NEAR: the same but for case, accents, spaces or a break.

    page is 1-based; bbox and page_size in points, None for documents without boxes, which have a span: start and
    end in the page's text; evidence: the text as it stands there; count: how many places have it (the first is given).
    """

    kind: FieldMatch
    page: int
    bbox: Box | None
    page_size: tuple[float, float] | None
    span: tuple[int, int] | None
    evidence: str
    count: int


class Locator:
    """Searches many values in one document; `locate` is the same for a single one."""

    def __init__(self, text: DocumentText) -> None:
        self._document = text
        self._sizes = {page.number: (page.width, page.height) for page in text.pages} if text.has_boxes else {}
        self._lines = lines_of(text)

    def find(self, value: Any, kind: Kind) -> Match | None:
        """The first place of a value; None when it is nowhere, or blank, or has no place (true, false)."""
        if value is None or isinstance(value, bool) or kind is Kind.BOOLEAN:
            return None
        if kind in DATES:
            day = as_date(str(value)[:10] if isinstance(value, str) else value)
            return None if day is None else self._first(self._dates.get(day, []))
        if kind in NUMBERS or isinstance(value, int | float | Decimal):
            number = as_decimal(str(value))
            return None if number is None else self._number(number)
        return self._text(str(value))

    def size_of(self, page: int) -> tuple[float, float] | None:
        """Width and height of a page, None for documents without boxes."""
        return self._sizes.get(page)

    def printed(self, kind: Kind) -> list[str]:
        """Every value of this kind in the document, as JSON has it: dates, numbers, else words with a digit."""
        if kind in DATES:
            return [day.isoformat() for day in self._dates]
        if kind in NUMBERS:
            return [format(number, "f") for number in self._numbers]
        words = {word.strip(".,:;()") for line in self._lines for word in line.text.split()}
        return sorted(word for word in words if any(c.isdigit() for c in word))

    def _first(self, places: Sequence[_Place], kind: FieldMatch = FieldMatch.EXACT) -> Match | None:
        return self._match(kind, *places[0], len(places)) if places else None

    def _number(self, number: Decimal) -> Match | None:
        """As it is, else a share (0.19) as the rate that is printed (19 %)."""
        found = self._first(self._numbers.get(number, []))
        if found is not None or not 0 < abs(number) <= 1:
            return found
        return self._first(self._rates.get(number * 100, []), FieldMatch.NEAR)

    @cached_property
    def _offsets(self) -> Offsets | None:
        return None if self._document.has_boxes else Offsets(self._document)

    @cached_property
    def _with_digits(self) -> list[Line]:
        return [line for line in self._lines if _DIGIT.search(line.text)]

    @cached_property
    def _dates(self) -> dict[datetime.date, list[_Place]]:
        """Every date of the document; an ambiguous one under both its readings."""
        found: dict[datetime.date, list[_Place]] = {}
        for line in self._with_digits:
            for date in dates_in(line.text):
                for day in {date.value, date.other or date.value}:
                    found.setdefault(day, []).append((line, date.start, date.end))
        return found

    @cached_property
    def _numbers(self) -> dict[Decimal, list[_Place]]:
        """Every number of the document; 1.5 and 1.50 are one."""
        found: dict[Decimal, list[_Place]] = {}
        for line in self._with_digits:
            for amount in amounts_in(line.text):
                found.setdefault(amount.value, []).append((line, amount.start, amount.end))
        return found

    @cached_property
    def _rates(self) -> dict[Decimal, list[_Place]]:
        found: dict[Decimal, list[_Place]] = {}
        for line in self._with_digits:
            for amount in amounts_in(line.text):
                if amount.is_rate:
                    found.setdefault(amount.value, []).append((line, amount.start, amount.end))
        return found

    @cached_property
    def _spelled(self) -> str | None:
        """All pieces of the document in a row, where that is quickly made: None for text with other than ASCII."""
        text = " ".join(line.text for line in self._lines)
        return "".join(_PIECE.findall(text.lower())) if text.isascii() else None

    @cached_property
    def _pieces(self) -> list[_Piece]:
        return [
            (word, number, start, end)
            for number, line in enumerate(self._lines)
            for word, start, end in line.tokens
            if word.isalnum()
        ]

    def _text(self, value: str) -> Match | None:
        wanted = " ".join(value.split())
        if not any(c.isalnum() for c in wanted):
            return None
        exact = [(line, at) for line in self._lines for at in _standing_alone(_flat(line.text), wanted)]
        if exact:
            line, at = exact[0]
            return self._match(FieldMatch.EXACT, line, at, at + len(wanted), len(exact))
        day = as_date(wanted)
        if day is not None:
            return self._first(self._dates.get(day, []))
        number = parse_number(wanted)
        if number is not None:
            return self._first(self._numbers.get(number, []), FieldMatch.NEAR)
        return self._near(wanted) or self._currency(wanted)

    def _near(self, wanted: str) -> Match | None:
        """The same letters and digits in a row, across spaces, punctuation and line breaks."""
        key = "".join(_PIECE.findall(plain(wanted)))
        if len(key) < _SHORTEST_NEAR or (self._spelled is not None and key not in self._spelled):
            return None
        spans = list(_runs(self._pieces, key))
        if not spans:
            return None
        (_, first, start, _), (_, last, _, end) = spans[0]
        line = self._lines[first]
        if first == last:
            return self._match(FieldMatch.NEAR, line, start, end, len(spans))
        return self._over_lines(first, start, last, end, len(spans))

    def _over_lines(self, first: int, start: int, last: int, end: int, count: int) -> Match:
        parts = [
            (self._lines[n], start if n == first else 0, end if n == last else None) for n in range(first, last + 1)
        ]
        page = parts[0][0].page
        ends = [(line, a, len(line.text) if b is None else b) for line, a, b in parts if line.page == page]
        boxes = [line.box(*at) for line, *at in ends]
        box = (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))
        span = None
        if self._offsets is not None:
            pieces = [self._offsets.span(line, *at) for line, *at in ends]
            span = (pieces[0][0], pieces[-1][1]) if pieces[0] is not None and pieces[-1] is not None else None
        return Match(
            kind=FieldMatch.NEAR,
            page=page,
            bbox=box if self._offsets is None else None,
            page_size=self._sizes.get(page),
            span=span,
            evidence="\n".join(_flat(line.text[a:b]) for line, a, b in parts),
            count=count,
        )

    def _currency(self, code: str) -> Match | None:
        """An ISO code is there when its sign stands beside an amount, also one that several currencies share."""
        for line in self._with_digits if len(code) == 3 and code.isupper() else ():
            for amount in amounts_in(line.text):
                if code in currencies_of(amount.sign):
                    return self._match(FieldMatch.NEAR, line, amount.start, amount.end, 1)
        return None

    def _match(self, kind: FieldMatch, line: Line, start: int, end: int, count: int) -> Match:
        return Match(
            kind=kind,
            page=line.page,
            bbox=line.box(start, end) if self._offsets is None else None,
            page_size=self._sizes.get(line.page),
            span=None if self._offsets is None else self._offsets.span(line, start, end),
            evidence=_flat(line.text[start:end]),
            count=count,
        )


def locate(value: Any, schema_type: Kind, text: DocumentText) -> Match | None:
    """Where a JSON value of this kind stands in the document, None when it does not. For many values use Locator."""
    return Locator(text).find(value, schema_type)


def _flat(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace("\t", " ") if not text.isascii() else text.replace("\t", " ")


def _standing_alone(text: str, wanted: str) -> Iterator[int]:
    """Places of the text that are not part of a longer word or number."""
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        before, after = text[at - 1 : at], text[end : end + 1]
        if not (before.isalnum() and wanted[0].isalnum()) and not (after.isalnum() and wanted[-1].isalnum()):
            yield at
        at = text.find(wanted, at + 1)


def _runs(pieces: Sequence[_Piece], key: str) -> Iterator[tuple[_Piece, _Piece]]:
    """First and last piece of every run of whole pieces that spell the key, over at most four lines."""
    for index, piece in enumerate(pieces):
        if not key.startswith(piece[0]):
            continue
        rest, at = key[len(piece[0]) :], index
        while rest and at + 1 < len(pieces) and rest.startswith(pieces[at + 1][0]) and pieces[at + 1][1] - piece[1] < 4:
            at += 1
            rest = rest[len(pieces[at][0]) :]
        if not rest:
            yield piece, pieces[at]
