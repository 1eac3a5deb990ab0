"""Values beside or below a label, in the form their kind allows. Nothing that needs a guess becomes a candidate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from nightdrop.reading.dates import dates_in
from nightdrop.reading.found import Box, Found, Value
from nightdrop.reading.labels import Label
from nightdrop.reading.lines import GAP, Line
from nightdrop.reading.numbers import Amount, amounts_in, currency_codes_in, currency_of
from nightdrop.reading.words import words_with_places

_FILLERS = frozenset(
    {
        "nr",
        "no",
        "num",
        "number",
        "nummer",
        "numero",
        "n",
        "°",
        "#",
        "id",
        "code",
        "am",
        "vom",
        "bis",
        "zum",
        "den",
        "der",
    }
    | {
        "le",
        "du",
        "de",
        "la",
        "the",
        "on",
        "of",
        "by",
        "is",
        "il",
        "el",
        "del",
        "op",
        "van",
        "al",
        "a",
        "in",
        "eur",
        "usd",
    }
    | {
        "gbp",
        "chf",
        "betrag",
        "amount",
        "total",
        "gesamt",
        "summe",
        "before",
        "dated",
        "spatestens",
        "est",
        "ist",
        "sie",
    }
    | {"inkl", "incl", "ttc", "brutto", "netto", "ht", "mwst", "ust", "vat", "tva", "btw", "iva", "exkl", "excl"}
)
_PARENTHESIS = re.compile(r"\([^()]*\)")
_ID = re.compile(r"[A-Za-z0-9][\w\-./\\_]*")
_VAT_ID = re.compile(r"(?<![A-Z])[A-Z]{2}[ ]?(?=[\dA-Z. ]{6,})(?:[\dA-Z.]{2,}[ ]?){1,5}")
_IBAN = re.compile(r"(?<![A-Z\d])[A-Z]{2}\d\d(?: ?[\dA-Z]{4}){2,7}(?: ?[\dA-Z]{1,3})?(?![A-Z\d])")
_BELOW_ROWS = 2
_BELOW_HEIGHTS = 3.0
RIGHT, NEXT_CELL, BELOW = 1.0, 0.97, 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A value in a part of a line: typed, with its place, and how well its form fits (0 to 1)."""

    value: Value
    start: int
    end: int
    quality: float = 1.0


def candidates(kind: str, label: Label, lines: Sequence[Line], labels: Sequence[Label]) -> Iterator[Found]:
    """Values for one label: to its right up to the next label, else in a row set slightly off, else just below it."""
    line = lines[label.line]
    stop = min((o.start for o in labels if o.line == label.line and o.start >= label.end), default=len(line.text))
    span = value_in(kind, line.text, label.end, stop)
    if span is not None:
        direction = NEXT_CELL if GAP in line.text[label.end : span.start] else RIGHT
        yield _found(line, span, label.weight * direction)
        return
    if not _ends_cell(line, label.end):
        return
    beside = [] if stop < len(line.text) else list(_beside(kind, label, lines, labels))
    yield from beside or _below(kind, label, lines, labels)


def value_in(kind: str, text: str, start: int, stop: int) -> Span | None:
    """The one value of this kind that follows at `start`, with nothing but filler words before it."""
    reader = _READERS.get(kind)
    return None if reader is None else reader(text, start, stop)


def _beside(kind: str, label: Label, lines: Sequence[Line], labels: Sequence[Label]) -> Iterator[Found]:
    """The next cell to the right in a row that is set a little higher or lower than the label's own."""
    line = lines[label.line]
    _, top, right, bottom = line.box(label.start, label.end)
    if any(line.box(*cell)[0] > right for cell in line.cells):
        return
    for number in (label.line - 1, label.line + 1):
        if not 0 <= number < len(lines) or lines[number].page != line.page:
            continue
        other = lines[number]
        cell = next((c for c in other.cells if other.box(*c)[0] > right), None)
        if cell is None or any(o.line == number and o.end <= cell[1] and o.start >= cell[0] for o in labels):
            continue
        box = other.box(*cell)
        overlap = min(box[3], bottom) - max(box[1], top)
        span = value_in(kind, other.text, *cell) if overlap > 0.35 * (bottom - top) else None
        if span is not None and _fills(other.text, span, cell):
            yield _found(other, span, label.weight * NEXT_CELL)


def _below(kind: str, label: Label, lines: Sequence[Line], labels: Sequence[Label]) -> Iterator[Found]:
    line = lines[label.line]
    box = line.box(label.start, label.end)
    left, top, right, bottom = box
    for number in range(label.line + 1, min(label.line + 1 + _BELOW_ROWS, len(lines))):
        lower = lines[number]
        if lower.page != line.page or lower.top - bottom > _BELOW_HEIGHTS * (bottom - top):
            return
        cell = cell_under(lower, left, right)
        if cell is None:
            continue
        if any(o.line == number and cell[0] <= o.start < cell[1] for o in labels):
            return
        span = value_in(kind, lower.text, cell[0], cell[1])
        if span is not None and _fills(lower.text, span, cell):
            if kind == "money":
                yield from _column(label, lines, number, box)
            else:
                yield _found(lower, span, label.weight * BELOW)
        return


def _column(label: Label, lines: Sequence[Line], number: int, box: Box) -> Iterator[Found]:
    """The amount below a heading: the only one of its column, or the last when it is the sum of those above it."""
    column: list[tuple[Line, Span]] = []
    height, bottom = box[3] - box[1], box[3]
    for line in lines[number:]:
        if line.page != lines[number].page or line.top - bottom > _BELOW_HEIGHTS * height:
            break
        cell = cell_under(line, box[0], box[2])
        span = None if cell is None else value_in("money", line.text, *cell)
        if cell is None or span is None or not _fills(line.text, span, cell):
            continue
        column.append((line, span))
        bottom = line.bottom
    if len(column) == 1:
        yield _found(*column[0], label.weight * BELOW)
        return
    values = [span.value for _, span in column if isinstance(span.value, Decimal)]
    if values[-1] == sum(values[:-1]) and any(values):
        yield _found(*column[-1], label.weight * RIGHT)


def cell_under(line: Line, left: float, right: float) -> tuple[int, int] | None:
    """The only cell of the line that overlaps these horizontal edges."""
    under = []
    for start, end in line.cells:
        box = line.box(start, end)
        if min(box[2], right) - max(box[0], left) > 0.3 * min(box[2] - box[0], right - left):
            under.append((start, end))
    return under[0] if len(under) == 1 else None


def _fills(text: str, span: Span, cell: tuple[int, int]) -> bool:
    rest = text[cell[0] : span.start] + text[span.end : cell[1]]
    return not any(word not in _FILLERS for word, _, _ in words_with_places(rest))


def _ends_cell(line: Line, end: int) -> bool:
    rest = line.text[end : line.cell_at(max(0, end - 1))[1]]
    return not any(c.isalnum() for c in _PARENTHESIS.sub("", rest))


def _found(line: Line, span: Span, confidence: float) -> Found:
    return Found(
        value=span.value,
        confidence=confidence * span.quality,
        evidence=line.text[span.start : span.end].replace(GAP, " "),
        page=line.page,
        bbox=line.box(span.start, span.end),
    )


def _only_fillers(text: str) -> bool:
    words = [word for word, _, _ in words_with_places(_PARENTHESIS.sub(" ", text))]
    return len(words) <= 4 and all(word in _FILLERS for word in words)


def _date(text: str, start: int, stop: int) -> Span | None:
    for date in dates_in(text[start:stop]):
        if not _only_fillers(text[start : start + date.start]):
            return None
        quality = 0.55 if date.other is not None else 1.0
        return Span(value=date.value, start=start + date.start, end=start + date.end, quality=quality)
    return None


def _money(text: str, start: int, stop: int) -> Span | None:
    """One amount; of `7 % of 129.37  9.06` the last; several amounts without a rate are columns, not an answer."""
    part = text[start:stop]
    amounts = [a for a in amounts_in(part) if not a.is_rate]
    rated = len(amounts) < len(list(amounts_in(part)))
    money = [a for a in amounts if a.looks_like_money] or amounts
    if not money:
        return None
    chosen: Amount = money[0]
    quality = 1.0 if chosen.looks_like_money else 0.7
    if len(money) > 1:
        if not rated or len(money) > 2 or money[1].value > money[0].value:
            return None
        chosen, quality = money[1], 0.9
    elif len(money) < len(amounts):
        quality = 0.85
    if not _only_fillers(re.sub(r"[\d.,%]+\s?%", " ", part[: money[0].start])):
        quality *= 0.75
    return Span(value=chosen.value, start=start + chosen.start, end=start + chosen.end, quality=quality)


def _number(text: str, start: int, stop: int) -> Span | None:
    amounts = list(amounts_in(text[start:stop]))
    if len(amounts) != 1 or not _only_fillers(text[start : start + amounts[0].start]):
        return None
    return Span(value=amounts[0].value, start=start + amounts[0].start, end=start + amounts[0].end)


def _id(text: str, start: int, stop: int) -> Span | None:
    """The next word with a digit, not a date, after nothing but filler words and marks."""
    part = text[start:stop]
    for pattern in (_IBAN, _VAT_ID):
        match = pattern.search(part)
        if match and sum(c.isdigit() for c in match[0]) >= 6 and _only_fillers(part[: match.start()]):
            value = match[0].strip()
            return Span(value=value, start=start + match.start(), end=start + match.start() + len(value))
    taken = [(d.start, d.end) for d in dates_in(part)]
    for match in _ID.finditer(_PARENTHESIS.sub(lambda m: " " * len(m[0]), part)):
        value = match[0].rstrip(".,-/")
        if not any(c.isdigit() for c in value):
            if not _only_fillers(value):
                return None
            continue
        if any(a <= match.start() < b for a, b in taken) or len(value) < 2:
            return None
        begin = start + match.start()
        return Span(value=value, start=begin, end=begin + len(value))
    return None


def _currency(text: str, start: int, stop: int) -> Span | None:
    for match in currency_codes_in(text[start:stop]):
        return Span(value=match[0], start=start + match.start(), end=start + match.end())
    for amount in amounts_in(text[start:stop]):
        code = currency_of(amount.sign)
        if code is not None:
            return Span(value=code, start=start + amount.start, end=start + amount.end)
    return None


def _text(text: str, start: int, stop: int) -> Span | None:
    """The rest of the label's cell, else the next cell, without the colon; nothing that is only marks."""
    part = text[start:stop]
    lead = len(part) - len(part.lstrip(" \t:.-–#|"))
    body = part[lead:].split(GAP, 1)[0].rstrip(" .:;|")
    if not any(c.isalnum() for c in body) or (lead == 0 and part[:1].isalnum()):
        return None
    has_mark = ":" in part[:lead] or GAP in part[:lead]
    return Span(value=body, start=start + lead, end=start + lead + len(body), quality=1.0 if has_mark else 0.6)


_READERS = {
    "date": _date,
    "money": _money,
    "number": _number,
    "id": _id,
    "currency": _currency,
    "text": _text,
    "name": _text,
}
