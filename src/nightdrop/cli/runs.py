"""`nightdrop runs`: what ran, one run in full, and stopping some."""

from __future__ import annotations

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import CURSOR, DB, JSON, LIMIT
from nightdrop.cli.run_continue import continue_
from nightdrop.cli.run_retry import retry

_STATUSES = click.Choice(["PENDING", "RUNNING", "COMPLETED", "PAUSED", "CANCELLED", "ERROR"], case_sensitive=False)


@click.group()
def runs() -> None:
    """List, show, cancel and retry runs, and answer what paused ones ask."""


runs.add_command(continue_)
runs.add_command(retry)


@runs.command("list")
@DB
@click.option("--agent", "agent_id", help="Only runs of this agent or workflow id.")
@click.option("--status", type=_STATUSES, help="Only runs with this status.")
@click.option("--batch", "batch_id", help="Only runs of this batch.")
@LIMIT
@CURSOR
@JSON
@reports_errors
def list_(
    db: str | None,
    agent_id: str | None,
    status: str | None,
    batch_id: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """Runs, newest first."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_page, print_table, when
    from nightdrop.records.run import RunStatus
    from nightdrop.store.load import list_runs

    with existing_database(db).read() as connection:
        found = list_runs(
            connection,
            subject_id=agent_id,
            status=None if status is None else RunStatus(status.upper()),
            batch_id=batch_id,
            before=cursor,
            limit=limit + 1,
        )
    page, more = found[:limit], len(found) > limit
    if as_json:
        print_page([run.to_json() for run in page], page[-1].run_id if more else None)
        return
    print_table(
        ["RUN", "STATUS", "AGENT OR WORKFLOW", "FILE", "ERROR", "CREATED"],
        [
            [
                run.run_id,
                run.status.value,
                run.agent_id or run.workflow_id or "",
                (run.input.files[0].source or run.input.files[0].filename or "") if run.input.files else "",
                run.error.code if run.error else "",
                when(run.created_at),
            ]
            for run in page
        ],
        fold="FILE",
    )
    if more:
        click.echo(f"More: --cursor {page[-1].run_id}")


@runs.command("show")
@click.argument("run_id")
@DB
@click.option("--evidence", is_flag=True, help="How and where each value was found, too.")
@JSON
@reports_errors
def show(run_id: str, db: str | None, evidence: bool, as_json: bool) -> None:
    """One run: its input, result, confidence per field, error, and a workflow's steps."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.run_page import print_run
    from nightdrop.cli.show import print_json
    from nightdrop.errors import RunNotFound
    from nightdrop.store.load import load_run, waits_for

    database = existing_database(db)
    with database.read() as connection:
        run = load_run(connection, run_id)
        reason = waits_for(connection, run_id)
    if run is None:
        raise RunNotFound(f"there is no run {run_id!r} in {database.label}")
    if as_json:
        print_json(run.to_json() | {"waits_for": reason})
    else:
        print_run(run, reason, evidence=evidence)


@runs.command("cancel")
@click.argument("run_ids", nargs=-1)
@click.option("--batch", "batch_id", metavar="ID", help="Cancel this batch instead: what it waits for, and what runs.")
@DB
@JSON
@reports_errors
def cancel(run_ids: tuple[str, ...], batch_id: str | None, db: str | None, as_json: bool) -> None:
    """Ask runs to stop: a waiting one never starts, a running one stops at its executor's next look."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json
    from nightdrop.errors import UsageError
    from nightdrop.store.stop import stop_batch, stop_runs

    if bool(run_ids) == (batch_id is not None):
        raise UsageError("name runs by id, or a batch with --batch")
    database = existing_database(db)
    count = stop_runs(database, run_ids) if batch_id is None else stop_batch(database, batch_id)
    if as_json:
        print_json({"open": count})
    else:
        click.echo(f"{count} runs were open and are asked to stop")
