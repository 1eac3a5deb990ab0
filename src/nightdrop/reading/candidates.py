"""Values beside or below a label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from nightdrop.reading.found import Box, Found
from nightdrop.reading.labels import Label
from nightdrop.reading.lines import GAP, Line
from nightdrop.reading.spans import PARENTHESIS, Span, only_fillers, value_in

_BELOW_ROWS = 2
_BELOW_HEIGHTS = 3.0
RIGHT, NEXT_CELL, BELOW = 1.0, 0.97, 0.9


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
    return only_fillers(rest)


def _ends_cell(line: Line, end: int) -> bool:
    rest = line.text[end : line.cell_at(max(0, end - 1))[1]]
    return not any(c.isalnum() for c in PARENTHESIS.sub("", rest))


def _found(line: Line, span: Span, confidence: float) -> Found:
    return Found(
        value=span.value,
        confidence=confidence * span.quality,
        evidence=line.text[span.start : span.end].replace(GAP, " "),
        page=line.page,
        bbox=line.box(span.start, span.end),
    )
