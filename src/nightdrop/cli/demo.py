"""`nightdrop demo`: sample documents through the local reader, durably, in a minute and without a key."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nightdrop.cli.errors import ALL_DONE, SOME_FAILED, reports_errors

_FOLDER = "nightdrop-demo"


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=_FOLDER, show_default=True, help="Where to work.")
@reports_errors
def demo(folder: Path) -> None:
    """Write a dozen sample documents, read them durably, and show what came out. No key, no network.

    Run it again: results are reused. Exit code 0 when everything came out as expected.
    """
    sys.exit(_demo(folder))


def _demo(folder: Path) -> int:
    from nightdrop.batch import BatchCall
    from nightdrop.cli.demo_page import print_next_commands, print_outcome, print_results
    from nightdrop.cli.work import Crew, batch_rows, run_batch, summary
    from nightdrop.demo.outcome import judge
    from nightdrop.demo.samples import write_samples
    from nightdrop.public.agent import Agent
    from nightdrop.schemas import Invoice
    from nightdrop.settings import load_settings
    from nightdrop.store import SqliteDb
    from nightdrop.store.dead_letters import list_dead_letters

    documents = folder / "documents"
    samples = write_samples(documents)
    click.echo(f"{len(samples)} sample documents in {documents}")
    db = SqliteDb(folder / "demo.db")
    agent = Agent(id="invoice-extractor", model="local", output_schema=Invoice, db=db)
    call = BatchCall(
        subject=agent.spec.subject,
        source=documents,
        message="Extract this invoice.",
        max_bytes=load_settings().max_file_bytes,
    )
    batch = run_batch(agent, db, call, Crew())
    rows = list(batch_rows(db, batch.id))
    with db.read() as connection:
        letters = list_dead_letters(connection, batch_id=batch.id)
    print_results(rows)
    click.echo(summary(batch.progress()))
    outcome = judge(samples, rows)
    print_outcome(letters, outcome)
    print_next_commands(documents, db.path, rows)
    db.close()
    return SOME_FAILED if outcome.surprises else ALL_DONE
