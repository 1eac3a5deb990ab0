"""Printing for a person: tables that never cut a code off, times and money in one form."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 200
_GAP = 2  # columns between two columns
_LEAST = 12  # a column this narrow is never wrapped
_CODES = ("CODE", "ERROR", "STATUS")
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def print_page(items: Sequence[dict[str, Any]], next_cursor: str | None) -> None:
    """A list in the contract's shape."""
    print_json({"items": list(items), "next_cursor": next_cursor})


def print_csv(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """CSV on stdout with a heading; null is an empty cell."""
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, fold: str | None = None) -> None:
    """A table on stdout, nothing of it cut off; without a terminal lines are as long as they are.

    On a terminal the column named by `fold` wraps; where that is not enough every long one does, but never a code.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(cell_len(cell) for cell in column) for column in zip(columns, *cells, strict=True)]
    console = Console()
    room = console.width if console.is_terminal else None
    natural = sum(widths) + _GAP * len(columns)
    wrapping = (
        {fold}
        if room is None or natural - _width_of(fold, columns, widths) + _LEAST <= room
        else {name for name, width in zip(columns, widths, strict=True) if width > _LEAST and name not in _CODES}
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=name not in wrapping, overflow="fold")
    for row in cells:
        table.add_row(*[Text(cell) for cell in row])
    (console if room is not None else Console(width=max(PLAIN_WIDTH, natural))).print(table)


def _width_of(fold: str | None, columns: Sequence[str], widths: Sequence[int]) -> int:
    return 0 if fold is None else widths[columns.index(fold)]


def printable(text: str) -> str:
    """Text for one line of a terminal: what would steer it (a file may be named so) is written as an escape."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def when(moment: datetime | None) -> str:
    """A time as a person reads it, in local time."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
