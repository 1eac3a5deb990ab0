"""What `nightdrop demo` shows when it is done."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from nightdrop.cli.show import print_table
from nightdrop.demo.outcome import Outcome
from nightdrop.records.dead_letter import DeadLetter

_SHOWN = ("invoice_number", "date", "seller", "total", "currency")


def print_results(rows: Sequence[dict[str, Any]]) -> None:
    """One line a document, with the fields that say most; an empty cell was not found, and nothing was invented."""
    click.echo("\nResults")
    table = []
    for row in rows:
        if row["content"] is None:
            continue
        sure = [
            f["confidence"] for f in row["fields"].values() if f["confidence"] is not None and f["value"] is not None
        ]
        table.append(
            [
                Path(row["file"]).name,
                *[_cell(row["content"].get(name)) for name in _SHOWN],
                str(len(row["content"].get("lines", []))),
                f"{min(sure):.2f}" if sure else "",
            ]
        )
    print_table(["FILE", "NUMBER", "DATE", "SELLER", "TOTAL", "CUR", "LINES", "LEAST SURE"], table, fold="SELLER")


def print_outcome(letters: Sequence[DeadLetter], outcome: Outcome) -> None:
    """The dead letters with their reasons, and whether everything is as it should be."""
    click.echo("\nDead letters (kept with their bytes and reason; the batch went on)")
    print_table(
        ["CODE", "FILE", "REASON"],
        [[letter.code, Path(letter.file or "").name, letter.message] for letter in letters],
        fold="REASON",
    )
    click.echo(
        f"\nAgainst the known answers: {outcome.right} values right, {outcome.missed} left empty, "
        f"{outcome.doubtful} wrong but marked doubtful, {len(outcome.surprises)} surprises"
    )
    for line in outcome.surprises:
        click.echo(f"  ! {line}")


def print_next_commands(documents: Path, db: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Three commands that show more."""
    place = shlex.quote(os.path.relpath(db))
    first = next((row["run_id"] for row in rows if row["content"] is not None), "RUN_ID")
    command = _this_command()
    click.echo("\nNext")
    click.echo(f"  {command} runs show {first} --db {place}")
    click.echo(f"  {command} run {shlex.quote(os.path.relpath(documents))} --db {place} --out results.csv")
    click.echo(f"  {command} batches list --db {place}")


def _this_command() -> str:
    """`nightdrop` where the shell finds it, else the path that was called (a virtual environment not activated)."""
    called = Path(sys.argv[0])
    if called.name != "nightdrop" or shutil.which("nightdrop") == str(called.absolute()):
        return "nightdrop"
    return shlex.quote(os.path.relpath(called))


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("\n", " / ")
