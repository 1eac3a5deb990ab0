"""A provider's bill as CSV: one line for each call, or one for each day and model."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from nightdrop.errors import UsageError

COLUMNS = ("id", "day", "model", "cost")
"""What a line may say; another name of a column is given by `columns`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One line. id: the ledger's call id, None where the bill sums. day: ISO date, UTC. cost: US dollars."""

    id: str | None
    day: str
    model: str
    cost: Decimal


def read_bill(path: Path, columns: Mapping[str, str]) -> list[BillLine]:
    """The lines of a bill. columns: the bill's own name for each of `COLUMNS` that it calls otherwise.

    Raises UsageError for a file that cannot be read, has no cost, or has neither ids nor both day and model.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            names = {key: columns.get(key, key) for key in COLUMNS}
            _check(path, reader.fieldnames or (), names, columns)
            return list(_lines(path, reader, names))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"the bill {path} cannot be read: {error}") from error


def _check(path: Path, found: object, names: Mapping[str, str], columns: Mapping[str, str]) -> None:
    there = set(found) if isinstance(found, list) else set()
    said = f"the bill {path} has the columns {', '.join(sorted(there)) or 'none'}"
    for key, name in columns.items():
        if key not in COLUMNS:
            raise UsageError(f"--map {key}={name}: there are {', '.join(COLUMNS)}")
        if name not in there:
            raise UsageError(f"--map {key}={name}: {said}")
    if names["cost"] not in there:
        raise UsageError(f"{said}: say which one is the cost with --map cost=COLUMN")
    if names["id"] not in there and not {names["day"], names["model"]} <= there:
        raise UsageError(f"{said}: say which is the call's id with --map id=COLUMN, or --map day=... --map model=...")


def _lines(path: Path, reader: csv.DictReader[str], names: Mapping[str, str]) -> Iterator[BillLine]:
    for row in reader:
        text = (row.get(names["cost"]) or "0").strip().lstrip("$")
        try:
            cost = Decimal(text)
        except InvalidOperation:
            cost = Decimal("NaN")
        if not cost.is_finite():
            raise UsageError(f"the bill {path}, line {reader.line_num}: the cost {text!r} is no amount in US dollars")
        yield BillLine(
            id=(row.get(names["id"]) or "").strip() or None,
            day=(row.get(names["day"]) or "").strip()[:10],
            model=(row.get(names["model"]) or "").strip(),
            cost=cost,
        )
