"""`nightdrop costs`: the ledger of model calls, summed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightdrop.cli.errors import reports_errors

if TYPE_CHECKING:
    from nightdrop.records.model_call import CostRow
    from nightdrop.store.model_calls import CostKey

_KEYS = ("day", "agent", "model", "batch", "document")


@click.command()
@click.option("--by", type=click.Choice(_KEYS), default="model", show_default=True, help="Sum by this; days are UTC.")
@click.option("--db", metavar="PATH", help="The database; default: NIGHTDROP_DB, or ./nightdrop.db.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reports_errors
def costs(by: CostKey, db: str | None, as_json: bool) -> None:
    """What model calls cost, failed and rejected ones too.

    Calls left open were possibly billed: the process died, or the connection broke after the request had left.
    """
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json, print_table
    from nightdrop.store.model_calls import costs as sum_costs

    with existing_database(db).read() as connection:
        rows, total = sum_costs(connection, by), sum_costs(connection)[0]
    if as_json:
        print_json({"items": [row.to_json() for row in rows], "total": total.to_json()})
        return
    print_table(
        [by.upper(), "CALLS", "OPEN", "INPUT TOKENS", "OUTPUT TOKENS", "COST"],
        [_line(row) for row in [*rows, total]],
    )
    if total.open_calls:
        click.echo(f"{total.open_calls} calls are open: possibly billed, at most what your provider's own bill says.")


def _line(row: CostRow) -> list[str]:
    cost = "unknown" if row.cost is None else f"${row.cost:.4f}"
    numbers = (row.calls, row.open_calls, row.input_tokens, row.output_tokens)
    return [row.key or "total", *[f"{n:,}" for n in numbers], cost]
