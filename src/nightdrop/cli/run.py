"""`nightdrop run`: an agent or a workflow over a source of documents, durably."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightdrop.cli.errors import ALL_DONE, SOME_FAILED, reports_errors
from nightdrop.cli.subject import CONCURRENCY, DATABASE, SUBJECT, Chosen, concurrency_of
from nightdrop.settings import load_settings

if TYPE_CHECKING:
    from nightdrop.batch import BatchCall
    from nightdrop.public.runnable import Runnable
    from nightdrop.records.batch import BatchProgress
    from nightdrop.store import Database


@click.command()
@click.argument("source")
@SUBJECT
@click.option("--message", default="", help="What to ask of each document.")
@click.option("--out", type=click.Path(path_type=Path), help="Write result rows here: .jsonl, .csv or .parquet.")
@DATABASE
@CONCURRENCY
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    metavar="N",
    help="Worker processes that execute; more than one pays for large batches through a model.",
)
@click.option("--budget", metavar="USD", help="What the batch may cost, such as 5.00.")
@click.option(
    "--on-budget",
    type=click.Choice(["fail", "wait"]),
    help="What becomes of documents that do not fit: an error, or they wait.  [default: the agent's, else fail]",
)
@click.option("--priority", type=int, metavar="N", help="Batches with a lower one go first.  [default: 10]")
@click.option("--weight", type=int, metavar="N", help="Of its documents for each one of another batch.  [default: 1]")
@click.option("--limit", type=click.IntRange(min=1), help="Take only the first N documents.")
@click.option("--manifest", is_flag=True, help="SOURCE is a list of paths, whatever its name.")
@click.option("--retry-failed", is_flag=True, help="Try documents again that failed before.")
@click.option("--rerun", is_flag=True, help="Run every document again, also those with a result.")
@click.option("--json", "as_json", is_flag=True, help="Print the batch as JSON on stdout.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@reports_errors
def run(**given: Any) -> None:
    """Run an agent or a workflow over SOURCE: a folder, a glob, one file, or a manifest of paths (JSONL, CSV, text).

    Every document ends as one result row or as a dead letter with its reason. Ctrl-C, then the same command again
    continues; what has a result is not run again. Exit code: 0 all done, 1 some failed, 2 bad call.
    """
    sys.exit(_run(_Options(**given)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options(Chosen):
    """The command line, by its option names."""

    source: str
    message: str
    out: Path | None
    concurrency: str
    processes: int
    budget: str | None
    on_budget: Any
    priority: int | None
    weight: int | None
    limit: int | None
    manifest: bool
    retry_failed: bool
    rerun: bool
    as_json: bool
    quiet: bool


def _run(options: _Options) -> int:
    from nightdrop.cli.work import Crew, batch_rows, run_batch
    from nightdrop.engine import registry
    from nightdrop.records.budget import amount_of, pico_of
    from nightdrop.sinks.write import check_target, write_rows

    if options.out is not None:
        check_target(options.out)
    concurrency = concurrency_of(options.concurrency)
    budget_pico = None if options.budget is None else pico_of(amount_of(options.budget, f"--budget {options.budget}"))
    runnable, database = options.load()
    runnable.check(bounded=budget_pico is not None)
    registry.add(runnable.spec)
    crew = Crew(
        command=options.worker_command(database),
        processes=options.processes,
        concurrency=concurrency,
        quiet=options.quiet or options.as_json,
    )
    batch = run_batch(runnable, database, _call(runnable, options, budget_pico), crew)
    state = batch.progress()
    if options.out is not None:
        write_rows(options.out, batch_rows(database, batch.id))
    _report(state, options, database)
    database.close()
    return SOME_FAILED if state.failed else ALL_DONE


def _call(runnable: Runnable, options: _Options, budget_pico: int | None) -> BatchCall:
    from nightdrop.batch import BatchCall

    return BatchCall(
        subject=runnable.spec.subject,
        source=options.source,
        message=options.message,
        kind="manifest" if options.manifest else "auto",
        limit=options.limit,
        rerun=options.rerun,
        retry_failed=options.retry_failed,
        leave_out=() if options.out is None else (str(options.out),),
        max_bytes=load_settings().max_file_bytes,
        budget_pico=budget_pico,
        on_budget=options.on_budget,
        cache=runnable.spec.cache,
        priority=options.priority,
        weight=options.weight,
    )


def _report(state: BatchProgress, options: _Options, database: Database) -> None:
    from nightdrop.cli.work import summary

    if options.as_json:
        click.echo(json.dumps(state.to_json()))
        return
    click.echo(summary(state))
    if options.out is not None:
        click.echo(f"Results: {options.out}")
    if state.failed:
        click.echo(f"Why they failed: nightdrop batches show {state.id}{_db_option(database)}")


def _db_option(database: Database) -> str:
    """` --db PATH` where a command would not find the database by itself."""
    usual = os.path.abspath(load_settings().db)
    return "" if database.label == usual else f" --db {shlex.quote(os.path.relpath(database.label))}"
