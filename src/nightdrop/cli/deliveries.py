"""`nightdrop deliveries`: results on their way to sinks, and what became of them."""

from __future__ import annotations

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB, JSON, LIMIT

SINK = click.option("--sink", "name", metavar="NAME", help="Only those of this sink.")


@click.group()
def deliveries() -> None:
    """See what is on its way to sinks, and send it again."""


@deliveries.command("list")
@SINK
@click.option("--state", type=click.Choice(["pending", "delivered", "dead"]), help="Only those in this state.")
@LIMIT
@DB
@JSON
@reports_errors
def list_(name: str | None, state: str | None, limit: int, db: str | None, as_json: bool) -> None:
    """What is on its way to sinks, was put there or was given up, newest runs first."""
    from nightdrop.cli.load import open_database
    from nightdrop.cli.show import print_page, print_table

    desk = open_database(db).sinks
    found = desk.deliveries(name, state=state, limit=limit)
    names = {sink.id: sink.name for sink in desk.list()}
    if as_json:
        print_page([{"sink": names.get(row.sink_id), **row.to_json()} for row in found], None)
        return
    print_table(
        ["SINK", "RUN", "VERSION", "STATE", "REFUSED", "ERROR"],
        [[names[r.sink_id], r.run_id, str(r.version), r.state, str(r.attempts), r.error or ""] for r in found],
        fold="ERROR",
    )


@deliveries.command()
@SINK
@click.argument("run_id", required=False)
@DB
@JSON
@reports_errors
def retry(name: str | None, run_id: str | None, db: str | None, as_json: bool) -> None:
    """Put now what waits or is dead: of one run, of one sink, or all."""
    from nightdrop.cli.load import open_database
    from nightdrop.cli.show import print_json

    count = open_database(db).sinks.retry(name, run_id=run_id)
    if as_json:
        print_json({"on_the_way": count})
        return
    click.echo(f"{count} result{'' if count == 1 else 's'} on the way.")
