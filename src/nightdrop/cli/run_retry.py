"""`nightdrop runs retry`: an ended run once more, or a workflow's from one of its steps."""

from __future__ import annotations

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB, JSON


@click.command("retry")
@click.argument("run_id")
@click.option("--from", "from_step", metavar="STEP", help="Of a workflow: do this step again, and all behind it.")
@DB
@JSON
@reports_errors
def retry(run_id: str, from_step: str | None, db: str | None, as_json: bool) -> None:
    """Try a run again that ended in ERROR or CANCELLED; the steps that a workflow's run has recorded are kept.

    It is queued, for any process that has its agent or workflow loaded. With --from also a COMPLETED run: a new run
    takes its place.
    """
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json
    from nightdrop.store.load import load_run, waits_for
    from nightdrop.store.retry import retry_run

    database = existing_database(db)
    queued = retry_run(database, run_id, from_step=from_step)
    with database.read() as connection:
        run, reason = load_run(connection, queued.run_id), waits_for(connection, queued.run_id)
    assert run is not None
    if as_json:
        print_json(run.to_json() | {"waits_for": reason})
        return
    click.echo(f"run {queued.run_id} is queued" + ("" if queued.run_id == run_id else f", in place of {run_id}"))
    if reason is not None:
        click.echo(f"It waits for {reason}")
