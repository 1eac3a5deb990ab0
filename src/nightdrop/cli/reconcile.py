"""`nightdrop costs reconcile`: the ledger held against a provider's bill."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightdrop.cli.errors import reports_errors

if TYPE_CHECKING:
    from nightdrop.records.cost import LedgerCall
    from nightdrop.store import Database
    from nightdrop.store.costs import CallFilter

_PAGE = 5000


@click.command("reconcile")
@click.argument("bill", type=click.Path(path_type=Path))
@click.option("--map", "pairs", multiple=True, metavar="KEY=COLUMN", help="The bill's column for id, day, model, cost.")
@click.option("--provider", metavar="NAME", help="Only this provider's calls: a bill is one provider's.")
@click.option("--tolerance", default="0.000001", show_default=True, metavar="USD", help="May differ by this, per line.")
@click.option("--db", metavar="PATH|URL", help="The database; default: NIGHTDROP_DB, or ./nightdrop.db.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--since", metavar="WHEN", help="Calls opened since: an age (7d), a day or a time; UTC.")
@click.option("--until", metavar="WHEN", help="Calls opened before this.")
@reports_errors
def reconcile(
    bill: Path, pairs: tuple[str, ...], tolerance: str, db: str | None, as_json: bool, **wanted: str | None
) -> None:
    """Hold the ledger against BILL, a provider's CSV export. Exit code 0 when every cent is explained, else 1."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.moment import moment
    from nightdrop.cli.show import print_json, print_table
    from nightdrop.ledger.bill import read_bill
    from nightdrop.ledger.reconcile import reconcile as compare
    from nightdrop.store.costs import CallFilter

    which = CallFilter(
        since=moment(wanted["since"], "--since"),
        until=moment(wanted["until"], "--until"),
        provider=wanted["provider"],
    )
    lines = read_bill(bill, dict(_pair(pair) for pair in pairs))
    with closing(existing_database(db)) as database:
        found = compare(lines, _calls(database, which), _amount(tolerance))
    if as_json:
        print_json(found.to_json())
    else:
        print_table(
            ["DIFFERENCE", "CALL OR DAY AND MODEL", "BILL", "LEDGER"],
            [[d.kind, d.key, _dollars(d.bill), _dollars(d.ledger)] for d in found.differences],
        )
        click.echo(f"bill {_dollars(found.bill)}, ledger {_dollars(found.ledger)}")
    sys.exit(0 if found.explained else 1)


def _calls(db: Database, which: CallFilter) -> Iterator[LedgerCall]:
    from nightdrop.store.costs import calls

    cursor = None
    while True:
        with db.read() as connection:
            page, cursor = calls(connection, which, limit=_PAGE, cursor=cursor)
        yield from page
        if cursor is None:
            return


def _pair(text: str) -> tuple[str, str]:
    from nightdrop.errors import UsageError

    key, equals, column = text.partition("=")
    if not equals or not column:
        raise UsageError(f"--map {text}: write it as cost=amount_usd")
    return key, column


def _amount(text: str) -> Decimal:
    from nightdrop.errors import UsageError

    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise UsageError(f"--tolerance {text}: write an amount in US dollars, such as 0.01")
    return amount


def _dollars(amount: Decimal | None) -> str:
    return "" if amount is None else f"${amount:.6f}"
