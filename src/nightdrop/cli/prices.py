"""`nightdrop prices`: which models in use have a price."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from nightdrop.cli.errors import SOME_FAILED, reports_errors
from nightdrop.cli.options import DB, JSON

if TYPE_CHECKING:
    from nightdrop.records.cost import CostRow


@click.group()
def prices() -> None:
    """What a model's tokens cost, and by which list."""


@prices.command("check")
@click.argument("models", nargs=-1, metavar="[MODELS]...")
@click.option("--since", metavar="WHEN", help="Models called since: an age (7d), a day or a time; UTC.")
@DB
@JSON
@reports_errors
def check(models: tuple[str, ...], since: str | None, db: str | None, as_json: bool) -> None:
    """Say which models have a price now: those named, such as openai:gpt-5.5, else all that the ledger has calls of.

    Exit code 1 when one has none: its calls cost `unknown`, and a budget refuses it.
    """
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.moment import moment
    from nightdrop.cli.show import print_page, print_table

    called: Sequence[CostRow] = ()
    if not models:
        with closing(existing_database(db)) as database:
            called = database.costs("model", since=moment(since, "--since")).items
    rows = [_checked(name, None) for name in models] + [_checked(row.key or "", row) for row in called]
    if as_json:
        print_page(rows, None)
    else:
        print_table(
            ["MODEL", "CALLS", "INPUT", "OUTPUT", "PRICED BY"],
            [[str(row["model"]), str(row["calls"]), *_words(row)] for row in rows],
        )
        if any(row["priced_by"] is None for row in rows):
            click.echo("Write missing prices into prices.toml (NIGHTDROP_PRICES), in USD per million tokens.")
    sys.exit(SOME_FAILED if any(row["priced_by"] is None for row in rows) else 0)


def _checked(model: str, row: CostRow | None) -> dict[str, str | int | None]:
    from nightdrop.errors import UsageError
    from nightdrop.ledger.prices import per_million
    from nightdrop.records.model_call import dollars_text
    from nightdrop.settings import load_settings

    provider, colon, name = model.partition(":")
    if not colon or not name:
        raise UsageError(f'{model}: write it as "provider:name", such as openai:gpt-5.5')
    found = per_million(provider, name, load_settings().prices)
    return {
        "model": model,
        "calls": 0 if row is None else row.calls,
        "input": None if found is None else dollars_text(found.input),
        "output": None if found is None else dollars_text(found.output),
        "priced_by": None if found is None else found.version,
    }


def _words(row: dict[str, str | int | None]) -> list[str]:
    if row["priced_by"] is None:
        return ["", "", "no price"]
    return [f"${Decimal(str(row[key])):f}" for key in ("input", "output")] + [str(row["priced_by"])]
