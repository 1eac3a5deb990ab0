"""Rows of a table for a list of objects: columns by the words in its head, one item per row with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from nightdrop.reading.concepts import line_concept_of
from nightdrop.reading.dates import parse_date
from nightdrop.reading.found import Found, Source, Value
from nightdrop.reading.labels import Phrasebook, header_book, line_book, own_phrases
from nightdrop.reading.lines import Line
from nightdrop.reading.numbers import amounts_in
from nightdrop.reading.shape import DATES, NUMBERS, Field

_SURE, _CHECKED, _UNSURE = 0.65, 0.8, 0.5
_LONGEST_ITEM = 9  # rows without numbers that may stand between two items
_CENT = Decimal("0.02")
_END = frozenset({"net", "tax", "total", "due"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column's key (a concept, a sub-field, or neither) and the horizontal edges of its heading in points."""

    key: str
    left: float
    right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSource:
    """Answers the sub-fields of one row."""

    cells: dict[str, Found]

    def value(self, field: Field, parent: str) -> Found | None:
        """The cell of the column a sub-field means."""
        return self.cells.get(_key(field))

    def rows(self, field: Field) -> list[Source]:
        """Tables within rows are not read."""
        return []


def read_table(columns: tuple[Field, ...], lines: Sequence[Line], *, has_boxes: bool, is_invoice: bool) -> list[Source]:
    """The rows of every table whose head names at least two of these columns; empty when there is none."""
    wanted = {_key(field): field for field in columns}
    book = _book(columns, is_invoice)
    found: list[Source] = []
    number = 0
    while number < len(lines):
        head = _head(lines[number], book, wanted)
        number += 1
        if head is None:
            continue
        rows, number = _rows(head, lines, number, wanted)
        found.extend(RowSource(cells=_finished(cells, has_boxes)) for cells in rows)
    return found


def _key(field: Field) -> str:
    concept = line_concept_of(field)
    return field.key if concept is None else concept.key


def _book(columns: tuple[Field, ...], is_invoice: bool) -> Phrasebook:
    book = line_book().copy() if is_invoice else Phrasebook()
    for field in columns:
        for phrase in own_phrases(field.names):
            book.add(_key(field), phrase, 0.9)
    return book


def _head(line: Line, book: Phrasebook, wanted: dict[str, Field]) -> list[_Column] | None:
    """The columns when this line heads a table: at least two wanted ones, each alone in its cell."""
    columns: list[_Column] = []
    for start, end in line.cells:
        key = _cell_key(line, start, end, book)
        left, _, right, _ = line.box(start, end)
        columns.append(
            _Column(key=key if key and key not in {c.key for c in columns} else f"?{start}", left=left, right=right)
        )
    named = [c for c in columns if c.key in wanted]
    known = [c for c in columns if not c.key.startswith("?")]
    if len(named) < min(2, len(wanted)) or len(known) < 2 or len(columns) > 15:
        return None
    return columns


def _cell_key(line: Line, start: int, end: int, book: Phrasebook) -> str | None:
    tokens = [token for token in line.tokens if start <= token[1] < end]
    hit = book.at(tokens, 0) if tokens else None
    if hit is None or len(tokens) - hit[2] > 3:
        return None
    return None if any(any(c.isdigit() for c in word) for word, _, _ in tokens) else hit[0]


def _rows(
    head: list[_Column], lines: Sequence[Line], number: int, wanted: dict[str, Field]
) -> tuple[list[dict[str, Found]], int]:
    rows: list[dict[str, Found]] = []
    page = lines[number - 1].page
    idle = 0
    while number < len(lines) and lines[number].page == page and idle <= _LONGEST_ITEM:
        line = lines[number]
        if _ends(line):
            break
        cells = _cells(head, line, wanted)
        number += 1
        if _is_item(cells, wanted):
            rows.append(_checked(cells))
            idle = 0
        else:
            idle += 1
    return rows, number


def _ends(line: Line) -> bool:
    hit = header_book().at(line.tokens, 0) if line.tokens else None
    return hit is not None and hit[0] in _END and any(a.looks_like_money for a in amounts_in(line.text))


def _cells(head: list[_Column], line: Line, wanted: dict[str, Field]) -> dict[str, Found]:
    """Each cell of the row goes to the nearest heading; two in one column make that column unreadable."""
    found: dict[str, Found] = {}
    spoiled: set[str] = set()
    for start, end in line.cells:
        box = line.box(start, end)
        column = min(head, key=lambda c: _distance(c, box[0], box[2]))
        if column.key in found or column.key in spoiled:
            spoiled.add(column.key)
            found.pop(column.key, None)
            continue
        value = _typed(line.text[start:end], wanted.get(column.key))
        if value is not None and _distance(column, box[0], box[2]) < 60.0:
            evidence = line.text[start:end]
            found[column.key] = Found(value=value, confidence=_SURE, evidence=evidence, page=line.page, bbox=box)
    return found


def _distance(column: _Column, left: float, right: float) -> float:
    gap = max(column.left - right, left - column.right)
    edge = min(abs(column.left - left), abs(column.right - right), abs(column.left + column.right - left - right) / 2)
    return (
        gap + 20.0 if gap > 0 else min(edge, 19.0) - 0.001 * min(column.right, right) + 0.001 * max(column.left, left)
    )


def _typed(text: str, field: Field | None) -> Value | None:
    text = text.strip()
    if field is None or not text:
        return None
    if field.kind in DATES:
        return parse_date(text)
    concept = line_concept_of(field)
    if field.kind in NUMBERS or (concept is not None and concept.kind in ("money", "number")):
        amounts = list(amounts_in(text))
        return amounts[0].value if len(amounts) == 1 and amounts[0].start <= 1 else None
    return text if any(c.isalnum() for c in text) else None


def _is_item(cells: dict[str, Found], wanted: dict[str, Field]) -> bool:
    """A row with at least two readable cells, a number or date among them if the list has such a field."""
    numeric = {key for key, field in wanted.items() if _is_typed(field)}
    here = cells.keys() & wanted.keys()
    return len(here) >= min(2, len(wanted)) and (not numeric or bool(here & numeric))


def _is_typed(field: Field) -> bool:
    concept = line_concept_of(field)
    return field.kind in NUMBERS | DATES or (concept is not None and concept.kind in ("money", "number"))


def _checked(cells: dict[str, Found]) -> dict[str, Found]:
    """Quantity × unit price = amount makes the three sure; where it does not hold they are doubtful."""
    quantity, price, amount = (cells.get(key) for key in ("quantity", "unit_price", "amount"))
    if quantity is None or price is None or amount is None:
        return cells
    numbers = [f.value for f in (quantity, price, amount)]
    if not all(isinstance(n, Decimal) for n in numbers):
        return cells
    holds = abs(numbers[0] * numbers[1] - numbers[2]) <= _CENT  # type: ignore[operator]
    confidence = _CHECKED if holds else _UNSURE
    return cells | {key: cells[key].sure(confidence) for key in ("quantity", "unit_price", "amount")}


def _finished(cells: dict[str, Found], has_boxes: bool) -> dict[str, Found]:
    if has_boxes:
        return cells
    return {
        k: Found(value=f.value, confidence=f.confidence, evidence=f.evidence, page=f.page) for k, f in cells.items()
    }
