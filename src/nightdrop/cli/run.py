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
from nightdrop.settings import load_settings

if TYPE_CHECKING:
    from nightdrop.batch import BatchCall
    from nightdrop.public.runnable import Runnable
    from nightdrop.records.batch import BatchProgress
    from nightdrop.store import Database

_SCHEMA_HELP = "Without --agent: invoice, module:Class, or a JSON schema file."


@click.command()
@click.argument("source")
@click.option("--agent", metavar="APP:NAME", help="The agent, such as app.py:agent or package.module:agent.")
@click.option("--workflow", metavar="APP:NAME", help="Instead of --agent: a workflow, such as app.py:workflow.")
@click.option("--model", default=None, help="Without --agent: the model.  [default: local]")
@click.option("--schema", default=None, help=_SCHEMA_HELP + "  [default: invoice]")
@click.option("--message", default="", help="What to ask of each document.")
@click.option("--out", type=click.Path(path_type=Path), help="Write result rows here: .jsonl, .csv or .parquet.")
@click.option("--db", metavar="PATH|URL", help="The database; default: the agent's, NIGHTDROP_DB, or ./nightdrop.db.")
@click.option("--concurrency", default="auto", metavar="N|auto", help="Runs at a time.  [default: auto]")
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
class _Options:
    """The command line, by its option names."""

    source: str
    agent: str | None
    workflow: str | None
    model: str | None
    schema: str | None
    message: str
    out: Path | None
    db: str | None
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
    concurrency = _concurrency(options.concurrency)
    budget_pico = None if options.budget is None else pico_of(amount_of(options.budget, f"--budget {options.budget}"))
    runnable, database = _loaded(options)
    runnable.check(bounded=budget_pico is not None)
    registry.add(runnable.spec)
    crew = Crew(
        command=_command(options, database),
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


def _loaded(options: _Options) -> tuple[Runnable, Database]:
    """What runs, and on which database."""
    from nightdrop.cli.load import load_agent, load_workflow, open_database, schema_agent
    from nightdrop.errors import UsageError

    if options.agent is not None and options.workflow is not None:
        raise UsageError("give --agent or --workflow, not both")
    if (options.agent is not None or options.workflow is not None) and (options.model or options.schema):
        raise UsageError("--agent and --workflow bring their own models and schemas: leave --model and --schema out")
    if options.workflow is not None:
        workflow = load_workflow(options.workflow)
        return workflow, open_database(options.db, workflow)
    if options.agent is not None:
        agent = load_agent(options.agent)
        return agent, open_database(options.db, agent)
    database = open_database(options.db)
    return schema_agent(options.model or "local", options.schema or "invoice", database), database


def _command(options: _Options, database: Database) -> list[str]:
    """The command line of a process that loads the same on the same database."""
    from nightdrop.cli.worker import process_command

    place = database.place
    app = options.agent or options.workflow
    if app is not None:
        return process_command(place, agent=app)
    return process_command(place, model=options.model, schema=options.schema)


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


def _concurrency(text: str) -> int | None:
    from nightdrop.errors import UsageError

    if text == "auto":
        return None
    if not text.isdigit() or int(text) < 1:
        raise UsageError(f"--concurrency {text}: give a whole number of 1 or more, or auto")
    return int(text)
