"""`nightdrop sinks`: where results are put outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB, JSON

if TYPE_CHECKING:
    from nightdrop.store.sinks import Sinks


@click.group()
def sinks() -> None:
    """Say where results are put outside."""


@sinks.command("list")
@DB
@JSON
@reports_errors
def list_(db: str | None, as_json: bool) -> None:
    """Sinks, oldest first, with how many results are on their way and why they are not there."""
    from nightdrop.cli.show import print_page, print_table, when

    found = _desk(db).list()
    if as_json:
        print_page([sink.to_json() for sink in found], None)
        return
    print_table(
        ["SINK", "URL", "OF", "PENDING", "DEAD", "ERROR", "SINCE"],
        [
            [s.name, s.url, s.subject_id or "all", str(s.pending), str(s.dead), s.error or "", when(s.created_at)]
            for s in found
        ],
        fold="ERROR",
    )


@sinks.command()
@click.argument("name")
@click.argument("url")
@click.option("--of", "subject_id", metavar="ID", help="Only results of this agent or workflow.")
@DB
@JSON
@reports_errors
def create(name: str, url: str, subject_id: str | None, db: str | None, as_json: bool) -> None:
    """Put the result of every run that ends from now on into URL: a database, a folder, a file, or env:NAME."""
    from nightdrop.cli.show import print_json

    made = _desk(db).create(name, url, subject_id=subject_id)
    if as_json:
        print_json(made.to_json())
        return
    click.echo(f"{made.name}: results are put into {made.url} by worker processes.")


@sinks.command()
@click.argument("name")
@DB
@reports_errors
def delete(name: str, db: str | None) -> None:
    """Put nothing there any more; what is there stays."""
    _desk(db).delete(name)
    click.echo(f"{name} is deleted.")


def _desk(db: str | None) -> Sinks:
    from nightdrop.cli.load import open_database

    return open_database(db).sinks
