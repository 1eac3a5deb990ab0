"""`nightdrop runs continue`: the answer to what a paused run asks."""

from __future__ import annotations

import json
from typing import Any

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB, JSON


@click.command("continue")
@click.argument("run_id")
@click.option("--answer", required=True, metavar="JSON_OR_TEXT", help="The answer: JSON, or else text as it is.")
@DB
@JSON
@reports_errors
def continue_(run_id: str, answer: str, db: str | None, as_json: bool) -> None:
    """Answer what a PAUSED run asks. It is queued again, for any process that has its agent loaded."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json
    from nightdrop.errors import RunNotFound
    from nightdrop.store.load import load_run, waits_for
    from nightdrop.store.pauses import continue_run

    database = existing_database(db)
    continue_run(database, run_id, _parsed(answer))
    with database.read() as connection:
        run, reason = load_run(connection, run_id), waits_for(connection, run_id)
    if run is None:
        raise RunNotFound(f"there is no run {run_id!r} in {database.label}")
    if as_json:
        print_json(run.to_json() | {"waits_for": reason})
        return
    click.echo(f"run {run_id} goes on")
    if reason is not None:
        click.echo(f"It waits for {reason}")


def _parsed(answer: str) -> Any:
    """JSON where it is JSON, text as it is else: `true`, `3`, `"yes"`, `yes`."""
    try:
        return json.loads(answer)
    except ValueError:
        return answer
