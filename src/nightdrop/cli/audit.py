"""`nightdrop audit`: every change that was asked for over HTTP."""

from __future__ import annotations

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import CURSOR, DB, JSON, LIMIT


@click.command()
@click.option("--since", metavar="WHEN", help="Since: an age (7d), a day or a time; UTC.")
@click.option("--actor", metavar="NAME", help="Only what this token, by its name, asked for.")
@LIMIT
@CURSOR
@DB
@JSON
@reports_errors
def audit(since: str | None, actor: str | None, limit: int, cursor: str | None, db: str | None, as_json: bool) -> None:
    """Who asked for which change, newest first; without a status it was not answered."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.moment import moment
    from nightdrop.cli.show import print_page, print_table, when
    from nightdrop.store.audit import list_audit

    start = moment(since, "--since")
    with existing_database(db).read() as connection:
        found = list_audit(connection, since=start, actor=actor, before=cursor, limit=limit + 1)
    page, more = found[:limit], len(found) > limit
    if as_json:
        print_page([row.to_json() for row in page], page[-1].id if more else None)
        return
    print_table(
        ["AT", "ACTOR", "FROM", "REQUEST", "STATUS", "MADE"],
        [
            [
                when(row.at),
                row.actor,
                row.address or "",
                f"{row.method} {row.path}",
                "" if row.status is None else str(row.status),
                row.place or "",
            ]
            for row in page
        ],
        fold="REQUEST",
    )
    if more:
        click.echo(f"More: --cursor {page[-1].id}")
