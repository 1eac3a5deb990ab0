"""`nightdrop costs`: the ledger of model calls, summed, call by call, and held against a bill."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB, JSON
from nightdrop.cli.reconcile import reconcile

if TYPE_CHECKING:
    from nightdrop.records.cost import CostRow, LedgerCall
    from nightdrop.store.costs import CostKey

_KEYS = ("day", "agent", "step", "model", "batch", "document", "schedule", "provider", "run", "outcome", "tier")


@click.group(invoke_without_command=True)
@click.option(
    "--by",
    "--group-by",
    "by",
    type=click.Choice(_KEYS),
    default="model",
    show_default=True,
    help="Sum by this; days are UTC.",
)
@click.option("--since", metavar="WHEN", help="Calls opened since: an age (7d), a day or a time; UTC.")
@click.option("--until", metavar="WHEN", help="Calls opened before this.")
@click.option("--agent", metavar="ID", help="Only this agent's calls.")
@DB
@JSON
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, without the total.")
@click.pass_context
@reports_errors
def costs(
    context: click.Context,
    by: CostKey,
    since: str | None,
    until: str | None,
    agent: str | None,
    db: str | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """What model calls cost, failed and rejected ones too.

    Calls left open were possibly billed: the process died, or the connection broke after the request had left.
    """
    if context.invoked_subcommand is not None:
        return
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.moment import moment
    from nightdrop.cli.show import print_csv, print_json, print_table

    with closing(existing_database(db)) as database:
        found = database.costs(by, since=moment(since, "--since"), until=moment(until, "--until"), agent=agent)
    if as_json:
        print_json(found.to_json())
        return
    if as_csv:
        print_csv([row.to_json() for row in found.items], ["key", *found.total.to_json()])
        return
    print_table(
        [by.upper(), "CALLS", "OPEN", "FAILED", "INPUT TOKENS", "CACHED", "OUTPUT TOKENS", "COST", "SAVED"],
        [_line(row) for row in [*found.items, found.total]],
    )
    if found.total.open_calls:
        open_calls = found.total.open_calls
        click.echo(f"{open_calls} calls are open: possibly billed, at most what your provider's own bill says.")


@costs.command("calls")
@click.option("--run", "run_id", metavar="RUN_ID", help="Only this run's calls.")
@click.option("--batch", "batch_id", metavar="BATCH_ID", help="Only this batch's calls.")
@click.option("--agent", metavar="ID", help="Only this agent's calls.")
@click.option("--since", metavar="WHEN", help="Calls opened since: an age (7d), a day or a time; UTC.")
@click.option("--until", metavar="WHEN", help="Calls opened before this.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most this many.")
@click.option("--cursor", metavar="CURSOR", help="Go on where a page ended.")
@DB
@JSON
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@reports_errors
def calls(limit: int, cursor: str | None, db: str | None, as_json: bool, as_csv: bool, **wanted: str | None) -> None:
    """Ledger rows one by one, newest first, with what each was priced by."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.moment import moment
    from nightdrop.cli.show import print_csv, print_page, print_table, when
    from nightdrop.records.cost import LedgerCall
    from nightdrop.store.costs import CallFilter
    from nightdrop.store.costs import calls as list_calls

    which = CallFilter(
        since=moment(wanted["since"], "--since"),
        until=moment(wanted["until"], "--until"),
        agent=wanted["agent"],
        run_id=wanted["run_id"],
        batch_id=wanted["batch_id"],
    )
    with closing(existing_database(db)) as database, database.read() as connection:
        page, following = list_calls(connection, which, limit=limit, cursor=cursor)
    if as_json:
        print_page([call.to_json() for call in page], following)
        return
    if as_csv:
        print_csv([call.to_json() for call in page], list(LedgerCall.__slots__))
    else:
        print_table(
            ["CALL", "RUN", "OPENED", "MODEL", "OUTCOME", "INPUT", "CACHED", "OUTPUT", "COST", "PRICED BY"],
            [[call.call_id, call.run_id, when(call.opened_at), *_call_line(call)] for call in page],
        )
    if following is not None:
        click.echo(f"More: --cursor {following}", err=True)


costs.add_command(reconcile)


def _line(row: CostRow) -> list[str]:
    numbers = [row.calls, row.open_calls, row.failed_calls, row.input_tokens, row.cache_read_tokens, row.output_tokens]
    cost = "unknown" if row.cost is None else f"${row.cost:.4f}"
    return [row.key or "total", *[f"{n:,}" for n in numbers], cost, f"${row.saved:.4f}"]


def _call_line(call: LedgerCall) -> list[str]:
    state = call.outcome or "unknown"
    return [
        f"{call.provider}:{call.model}",
        f"{state} (open)" if call.closed_at is None else state,
        *[f"{n:,}" for n in (call.input_tokens, call.cache_read_tokens, call.output_tokens)],
        "unknown" if call.cost is None else f"${call.cost:.6f}",
        call.price_version or call.cost_source or "",
    ]
