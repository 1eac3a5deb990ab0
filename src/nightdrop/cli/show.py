"""Printing for a person: tables that never cut a code off, times and money in one form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 200


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def print_page(items: Sequence[dict[str, Any]], next_cursor: str | None) -> None:
    """A list in the contract's shape."""
    print_json({"items": list(items), "next_cursor": next_cursor})


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, fold: str | None = None) -> None:
    """A table on stdout. Only the column named by `fold` may wrap; without a terminal lines are as long as they are."""
    console = Console()
    width = None if console.is_terminal else max(PLAIN_WIDTH, *(sum(len(c) + 3 for c in row) for row in rows), 1)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=name != fold, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=width, soft_wrap=False).print(table, markup=False) if width else console.print(table)


def when(moment: datetime | None) -> str:
    """A time as a person reads it, in local time."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
