"""The blocks that business documents are made of: meta data, strips of boxes, tables and totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nightdrop.demo.samples.paper import Align, Face, Paper

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    title: str
    width: float
    align: Align = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The look of a table: columns, header, and what separates the rows."""

    x: float
    columns: tuple[Column, ...]
    head: Face = field(default_factory=lambda: Face(size=8, bold=True))
    body: Face = field(default_factory=lambda: Face(size=8.5))
    head_fill: str | None = None
    zebra: str | None = None
    row_rule: str | None = None
    row_gap: float = 6.0
    pad: float = 4.0

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + sum(column.width for column in self.columns)


def meta_list(paper: Paper, x: float, y: float, pairs: Pairs, *, label_width: float, face: Face) -> float:
    """Labels on the left, values beside them; the baseline after the last."""
    for label, value in pairs:
        paper.text(x, y, label, face)
        paper.text(x + label_width, y, value, face)
        y += face.size * 1.45
    return y


def meta_flush(paper: Paper, x: float, right: float, y: float, pairs: Pairs, *, label: Face, value: Face) -> float:
    """Labels on the left, values flush right; the baseline after the last."""
    for name, content in pairs:
        paper.text(x, y, name, label)
        paper.text(right, y, content, value, "right")
        y += value.size * 1.6
    return y


def meta_strip(
    paper: Paper, x: float, y: float, width: float, pairs: Pairs, *, fill: str | None = None, edge: str = "#8a8a8a"
) -> float:
    """A row of boxes, each with its label above its value; the lower edge."""
    cell = width / len(pairs)
    for index, (label, value) in enumerate(pairs):
        left = x + index * cell
        paper.box(left, y, cell, 13, fill=fill, edge=edge)
        paper.box(left, y + 13, cell, 18, edge=edge)
        paper.text(left + cell / 2, y + 9.5, label, Face(size=7.5, bold=True), "center")
        paper.text(left + cell / 2, y + 25.5, value, Face(size=9), "center")
    return y + 31


def form_box(paper: Paper, x: float, y: float, width: float, height: float, label: str, lines: Sequence[str]) -> None:
    """A box of a printed form: a small label in its corner, the content below."""
    paper.box(x, y, width, height, edge="#5c5c5c")
    paper.text(x + 3, y + 7.5, label, Face(size=6, ink="#5c5c5c"))
    paper.stack(x + 5, y + 19, lines, Face(size=9))


def table_head(paper: Paper, table: Table, y: float) -> float:
    """Draw the header row from its upper edge; the upper edge of the first row."""
    height = table.head.size + 9
    if table.head_fill:
        paper.box(table.x, y, table.right - table.x, height, fill=table.head_fill)
    else:
        paper.rule(table.x, table.right, y + height, weight=0.9)
    left = table.x
    for column in table.columns:
        _cell(paper, table, column, left, y + table.head.size + 3.5, [column.title], table.head)
        left += column.width
    return y + height


def table_rows(paper: Paper, table: Table, y: float, rows: Sequence[Sequence[str]], bottom: float) -> tuple[float, int]:
    """Draw rows until one would pass `bottom`; where they end, and how many were drawn."""
    for index, row in enumerate(rows):
        cells = [
            paper.broken(text, column.width - 2 * table.pad, table.body)
            for column, text in zip(table.columns, row, strict=True)
        ]
        height = max(len(lines) for lines in cells) * table.body.size * 1.25 + table.row_gap
        if y + height > bottom:
            return y, index
        if table.zebra and index % 2:
            paper.box(table.x, y, table.right - table.x, height, fill=table.zebra)
        left = table.x
        for column, lines in zip(table.columns, cells, strict=True):
            _cell(paper, table, column, left, y + table.body.size + table.row_gap / 2 - 1, lines, table.body)
            left += column.width
        y += height
        if table.row_rule:
            paper.rule(table.x, table.right, y, ink=table.row_rule)
    return y, len(rows)


def totals(
    paper: Paper, x: float, right: float, y: float, rows: Pairs, *, strong: int, fill: str | None = None
) -> float:
    """Labels and amounts below each other, the last `strong` rows in bold; the lower edge."""
    for index, (label, amount) in enumerate(rows):
        bold = index >= len(rows) - strong
        y += 3 if bold else 0
        if bold and fill:
            paper.box(x - 6, y, right - x + 10, 17, fill=fill)
        elif bold:
            paper.rule(x, right, y, weight=0.8)
        face = Face(size=10 if bold else 9, bold=bold)
        paper.text(x, y + 12, label, face)
        paper.text(right, y + 12, amount, face, "right")
        y += 17 if bold else 15
    return y


def _cell(
    paper: Paper, table: Table, column: Column, left: float, baseline: float, lines: Sequence[str], face: Face
) -> None:
    x = {
        "left": left + table.pad,
        "right": left + column.width - table.pad,
        "center": left + column.width / 2,
    }[column.align]
    for line in lines:
        paper.text(x, baseline, line, face, column.align)
        baseline += face.size * 1.25
