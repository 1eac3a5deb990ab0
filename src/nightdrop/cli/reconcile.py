"""`nightdrop costs reconcile`: the ledger held against a provider's bill."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB, JSON

if TYPE_CHECKING:
    from nightdrop.ledger.bill import Bill
    from nightdrop.ledger.reconcile import Reconciliation
    from nightdrop.ledger.settle import Period, Settled
    from nightdrop.records.cost import LedgerCall
    from nightdrop.store import Database
    from nightdrop.store.costs import CallFilter

_PAGE = 5000
_LATE_SECONDS = 60  # so long after its timeout a call is surely not under way


@click.command("reconcile")
@click.argument("bill", type=click.Path(path_type=Path))
@click.option(
    "--preset",
    type=click.Choice(["openai", "anthropic"]),
    help="Whose cost export BILL is.  [default: found out by its columns]",
)
@click.option("--map", "pairs", multiple=True, metavar="KEY=COLUMN", help="The bill's column for id, day, model, cost.")
@click.option("--provider", metavar="NAME", help="Only this provider's calls.  [default: the preset's]")
@click.option("--tolerance", default="0.000001", show_default=True, metavar="USD", help="May differ by this, per line.")
@click.option("--close-open", is_flag=True, help="Close possibly billed calls at what the bill says.")
@DB
@JSON
@click.option("--since", metavar="WHEN", help="Calls opened since: an age (7d), a day or a time; UTC.")
@click.option("--until", metavar="WHEN", help="Calls opened before this.")
@reports_errors
def reconcile(bill: Path, pairs: tuple[str, ...], tolerance: str, db: str | None, **given: Any) -> None:
    """Hold the ledger against BILL, a provider's CSV export. Exit code 0 when every cent is explained, else 1."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.moment import moment
    from nightdrop.ledger.bill import read_bill
    from nightdrop.ledger.reconcile import reconcile as compare
    from nightdrop.ledger.settle import Period
    from nightdrop.store.costs import CallFilter

    read = read_bill(bill, dict(_pair(pair) for pair in pairs), given["preset"])
    since, until = moment(given["since"], "--since"), moment(given["until"], "--until")
    period = Period.of(read, since, until)
    if period is not None and not read.by_call:
        since, until = period.since, period.until  # a line is a day: other days are another bill's
    which = CallFilter(since=since, until=until, provider=given["provider"] or read.provider)
    with closing(existing_database(db)) as database:
        closed = _close(database, read, which, period) if given["close_open"] else None
        found = compare(read, _calls(database, which), _amount(tolerance))
    _report(found, closed, as_json=given["as_json"])
    sys.exit(0 if found.explained else 1)


def _close(db: Database, bill: Bill, which: CallFilter, period: Period | None) -> list[Settled]:
    """Close what the bill decides, in one transaction; returns what was closed."""
    from datetime import UTC, datetime

    from nightdrop import clock
    from nightdrop.errors import UsageError
    from nightdrop.ledger.settle import settle
    from nightdrop.settings import load_settings
    from nightdrop.store.model_calls import settle_call

    if period is None:
        raise UsageError("--close-open: the bill does not say which days it covers: give --since and --until")
    now_ms = clock.now_ms()
    over_by = now_ms / 1000 - load_settings().model_timeout_seconds - _LATE_SECONDS
    settled = settle(bill, _calls(db, which), period, over_by=datetime.fromtimestamp(over_by, tz=UTC))
    return db.transact(
        lambda connection: [
            one
            for one in settled
            if settle_call(connection, one.call_id, one.cost_pico, version=f"bill {bill.name}", now_ms=now_ms)
        ]
    )


def _report(found: Reconciliation, closed: list[Settled] | None, *, as_json: bool) -> None:
    from nightdrop.cli.show import print_json, print_table
    from nightdrop.records.model_call import dollars, dollars_text

    cost = dollars(sum(one.cost_pico for one in closed or ()))
    if as_json:
        more = {} if closed is None else {"closed": {"calls": len(closed), "cost": dollars_text(cost)}}
        print_json(found.to_json() | more)
        return
    print_table(
        ["DIFFERENCE", "CALL OR DAY AND MODEL", "BILL", "LEDGER"],
        [[d.kind, d.key, _dollars(d.bill), _dollars(d.ledger)] for d in found.differences],
    )
    if closed is not None:
        click.echo(f"closed {len(closed)} open calls at {_dollars(cost)} in all")
    click.echo(f"bill {_dollars(found.bill)}, ledger {_dollars(found.ledger)}")


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
