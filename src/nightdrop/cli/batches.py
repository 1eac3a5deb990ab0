"""`nightdrop batches`: what was handed in, and how each batch ended."""

from __future__ import annotations

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import CURSOR, DB, JSON, LIMIT


@click.group()
def batches() -> None:
    """List and show batches."""


@batches.command("list")
@DB
@LIMIT
@CURSOR
@JSON
@reports_errors
def list_(db: str | None, limit: int, cursor: str | None, as_json: bool) -> None:
    """Batches, newest first."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_page, print_table, when
    from nightdrop.store.batches import list_batches

    with existing_database(db).read() as connection:
        found = list_batches(connection, before=cursor, limit=limit + 1)
    page, more = found[:limit], len(found) > limit
    if as_json:
        print_page([batch.to_json() for batch in page], page[-1].id if more else None)
        return
    print_table(
        ["BATCH", "STATUS", "AGENT", "TOTAL", "DONE", "FAILED", "SKIPPED", "SOURCE", "CREATED"],
        [
            [
                batch.id,
                batch.status.value,
                batch.agent_id or "",
                str(batch.total),
                str(batch.done),
                str(batch.failed),
                str(batch.skipped),
                batch.source or "",
                when(batch.created_at),
            ]
            for batch in page
        ],
        fold="SOURCE",
    )
    if more:
        click.echo(f"More: --cursor {page[-1].id}")


@batches.command("show")
@click.argument("batch_id")
@DB
@JSON
@reports_errors
def show(batch_id: str, db: str | None, as_json: bool) -> None:
    """One batch: its counts, and why documents failed."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json, print_table, when
    from nightdrop.cli.work import summary
    from nightdrop.errors import BatchNotFound
    from nightdrop.records.dead_letter import DeadLetterState
    from nightdrop.store.batches import load_batch
    from nightdrop.store.dead_letters import list_dead_letters

    database = existing_database(db)
    with database.read() as connection:
        batch = load_batch(connection, batch_id)
        letters = list_dead_letters(connection, batch_id=batch_id, state=DeadLetterState.OPEN, limit=200)
    if batch is None:
        raise BatchNotFound(f"there is no batch {batch_id!r} in {database.label}")
    if as_json:
        print_json(batch.to_json() | {"dead_letters": [letter.to_json() for letter in letters]})
        return
    click.echo(f"batch      {batch.id}\nstatus     {batch.status.value}\nagent      {batch.agent_id or ''}")
    click.echo(f"source     {batch.source or ''}\ncreated    {when(batch.created_at)}")
    click.echo(f"completed  {when(batch.completed_at)}\n{summary(batch)}")
    if letters:
        click.echo("\nDead letters")
        print_table(
            ["CODE", "FILE", "REASON", "RUN"],
            [[letter.code, letter.file or "", letter.message, letter.run_id] for letter in letters],
            fold="REASON",
        )
