"""Lines and tables without boxes as a page: words on a grid of characters, where only their order means something."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nightdrop.records import Page, Word

Row = Sequence[str]
Table = Sequence[Row]

GAP = "   "  # wide enough to be seen as a new cell
_CELL = re.compile(r"\S+")
_COLUMN, _ROW = 6.0, 12.0
_WIDEST = 60  # characters; a longer cell pushes its row's next ones aside


def page_of_lines(number: int, lines: Sequence[str], text: str) -> Page:
    """A page whose words stand where they stand in these lines."""
    words = tuple(_words(lines))
    width = max((w.right for w in words), default=0.0)
    return Page(number=number, width=width, height=len(lines) * _ROW, words=words, text=text)


def page_of_tables(number: int, tables: Sequence[Table]) -> Page:
    """A page of tables, one under the other; a paragraph is a table of one cell. A line break in a cell is kept.

    The text has a tab between cells; the words stand in columns, as on paper.
    """
    shown: list[str] = []
    text: list[str] = []
    for table in tables:
        rows = [line for row in table for line in _stacked(row)]
        shown += padded(rows)
        text += ["\t".join(row).rstrip() for row in rows]
    return page_of_lines(number, shown, "\n".join(text))


def padded(rows: Table) -> list[str]:
    """Rows as lines whose columns stand under each other."""
    widths: dict[int, int] = {}
    for row in rows:
        for index, cell in enumerate(row):
            widths[index] = max(widths.get(index, 0), min(len(cell), _WIDEST))
    return [GAP.join(cell.ljust(widths[i]) for i, cell in enumerate(row)).rstrip() for row in rows]


def _stacked(row: Row) -> Iterator[list[str]]:
    """A row as one line for each line of its highest cell, blank lines left out."""
    cells = [cell.split("\n") for cell in row]
    for index in range(max((len(lines) for lines in cells), default=0)):
        line = [lines[index].rstrip() if index < len(lines) else "" for lines in cells]
        if any(line):
            yield line


def _words(lines: Sequence[str]) -> Iterator[Word]:
    for number, line in enumerate(lines):
        top, bottom = number * _ROW, (number + 1) * _ROW
        for match in _CELL.finditer(line):
            start, end = match.span()
            yield Word(match[0], start * _COLUMN, top, end * _COLUMN, bottom)
