"""A provider's bill as CSV: one line for each call, or lines for each day and model."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from nightdrop.errors import UsageError

COLUMNS = ("id", "day", "model", "cost")
"""What a line may say; another name of a column is given by `columns`."""

PRESETS: Mapping[str, Mapping[str, str]] = {
    "openai": {"day": "start_time_iso", "model": "line_item", "cost": "amount_value"},
    "anthropic": {"day": "usage_date_utc", "model": "model", "cost": "cost_usd"},
}
"""The columns of the cost exports of the providers' own consoles (November 2026), by provider."""

_DATED = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One line. id: the ledger's call id, None where the bill sums. day: ISO date, UTC. cost: US dollars."""

    id: str | None
    day: str
    model: str
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A bill. name: of its file. provider: whose export it is by its columns, None when that is not known."""

    name: str
    provider: str | None
    lines: tuple[BillLine, ...]

    @property
    def by_call(self) -> bool:
        """Whether it has ids: on all lines or on none."""
        return any(line.id for line in self.lines)

    @property
    def days(self) -> tuple[str, str] | None:
        """Its first and last day, None when its lines have none."""
        days = [line.day for line in self.lines if line.day]
        return (min(days), max(days)) if days and len(days) == len(self.lines) else None


def model_name(text: str) -> str:
    """A model as bill and ledger agree on it: `Claude Haiku 4.5` and `claude-haiku-4-5-20251001` are one."""
    return _DATED.sub("", re.sub(r"[ .]+", "-", text.strip().lower()))


def read_bill(path: Path, columns: Mapping[str, str], preset: str | None = None) -> Bill:
    """The bill in a file. columns: its own name for each of `COLUMNS` that it calls otherwise. preset: whose export it
    is; None: found out by its columns.

    Raises UsageError for a file that cannot be read, has no cost, or has neither ids nor both day and model.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            found = list(reader.fieldnames or ())
            provider = preset or _whose(found)
            given = {**PRESETS.get(provider or "", {}), **columns}
            names = {key: given.get(key, key) for key in COLUMNS}
            _check(path, found, names, given)
            return Bill(name=path.name, provider=provider, lines=tuple(_lines(path, reader, names)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"the bill {path} cannot be read: {error}") from error


def _whose(found: list[str]) -> str | None:
    if set(COLUMNS[1:]) <= set(found):
        return None  # our own form
    return next((provider for provider, columns in PRESETS.items() if set(columns.values()) <= set(found)), None)


def _check(path: Path, found: list[str], names: Mapping[str, str], given: Mapping[str, str]) -> None:
    said = f"the bill {path} has the columns {', '.join(sorted(found)) or 'none'}"
    for key, name in given.items():
        if key not in COLUMNS:
            raise UsageError(f"--map {key}={name}: there are {', '.join(COLUMNS)}")
        if name not in found:
            raise UsageError(f"{said}: {name!r} is not among them, and should be its {key}")
    if names["cost"] not in found:
        raise UsageError(f"{said}: say which one is the cost with --map cost=COLUMN")
    if names["id"] not in found and not {names["day"], names["model"]} <= set(found):
        raise UsageError(f"{said}: say which is the call's id with --map id=COLUMN, or --map day=... --map model=...")


def _lines(path: Path, reader: csv.DictReader[str], names: Mapping[str, str]) -> Iterator[BillLine]:
    for row in reader:
        text = (row.get(names["cost"]) or "").strip().lstrip("$")
        if not text:
            continue  # a day without any cost
        try:
            cost = Decimal(text)
        except InvalidOperation:
            cost = Decimal("NaN")
        if not cost.is_finite():
            raise UsageError(f"the bill {path}, line {reader.line_num}: the cost {text!r} is no amount in US dollars")
        yield BillLine(
            id=(row.get(names["id"]) or "").strip() or None,
            day=(row.get(names["day"]) or "").strip()[:10],
            model=_model_of((row.get(names["model"]) or "").strip()),
            cost=cost,
        )


def _model_of(text: str) -> str:
    """The model in `gpt-5.5-2026-04-23, cached input` or `priority | gpt-5.5, output`."""
    return text.rpartition("|")[2].partition(",")[0].strip()
