"""`nightdrop worker`: processes that execute what was accepted anywhere on the database."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from nightdrop.cli.errors import reports_errors

DRAIN_SECONDS = 30.0
_DB_VARIABLE = "NIGHTDROP_WORKER_DB"  # not an option of its own: a URL may hold a password, and `ps` shows options


@click.command()
@click.argument("app")
@click.option(
    "--processes", type=click.IntRange(1, 256), metavar="N", help="Worker processes.  [default: one per core]"
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Runs at a time in each process.  [default: 8 per core]",
)
@click.option(
    "--drain-timeout",
    type=click.FloatRange(min=0),
    default=DRAIN_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="On SIGTERM: how long runs may take to end before they are handed back.",
)
@click.option("--db", metavar="PATH|URL", help="The database; default: the agents', NIGHTDROP_DB, or ./nightdrop.db.")
@reports_errors
def worker(app: str, processes: int | None, concurrency: int | None, drain_timeout: float, db: str | None) -> None:
    """Execute queued runs of the agents and workflows in APP, such as app.py:agent_os, until SIGTERM or Ctrl-C.

    APP names an AgentOS, an Agent, a Workflow or a list of those. On SIGTERM nothing new is begun; what runs may end
    within the drain timeout, and the rest is handed back for another worker.
    """
    from nightdrop.worker.supervisor import Supervisor

    count = processes or os.cpu_count() or 1
    command = [*process_command(db, agent=app), "--drain-timeout", str(drain_timeout)]
    if concurrency is not None:
        command += ["--concurrency", str(concurrency)]
    click.echo(f"{count} worker processes for {app}. Stop with Ctrl-C.", err=True)
    sys.exit(Supervisor(command, count, drain_timeout).run())


def process_command(db: str | None, **options: str | None) -> list[str]:
    """The command line of worker processes that load their agents by these options of `worker-process`.

    db: the database they work on, which they find in their environment.
    """
    if db is not None:
        os.environ[_DB_VARIABLE] = db
    given = [part for name, value in options.items() if value is not None for part in (f"--{name}", value)]
    return [sys.executable, "-m", "nightdrop", "worker-process", *given]


@click.command(hidden=True)
@click.option("--agent")
@click.option("--model")
@click.option("--schema")
@click.option("--db", envvar=_DB_VARIABLE)
@click.option("--concurrency", type=click.IntRange(min=1))
@click.option("--drain-timeout", type=float, default=DRAIN_SECONDS)
@click.option("--role", type=click.Choice(["worker", "quarantine"]), default="worker")
@click.option("--batch", "batches", multiple=True)
@reports_errors
def worker_process(**given: Any) -> None:
    """One process of `nightdrop worker` or of `nightdrop run --processes`: started by them, not by hand."""
    _work(**given)


def _work(
    *,
    agent: str | None,
    model: str | None,
    schema: str | None,
    db: str | None,
    concurrency: int | None,
    drain_timeout: float,
    role: Any,
    batches: tuple[str, ...],
) -> None:
    from nightdrop.cli.load import load_agents, open_database, schema_agent
    from nightdrop.worker import Quarantine, work

    if agent is not None:
        together = load_agents(agent, db)
        runnables: tuple[Any, ...] = (*together.agents, *together.workflows)
        database, scheduler, webhooks = together.db, together.scheduler, together.webhooks
    else:
        database = open_database(db)
        runnables = (schema_agent(model or "local", schema or "invoice", database),)
        scheduler, webhooks = False, ()
    for one in runnables:
        one.check()
    same = process_command(db, agent=agent, model=model, schema=schema)
    work(
        database,
        concurrency=concurrency,
        drain_seconds=drain_timeout,
        role=role,
        batches=batches,
        quarantine=None if role == "quarantine" else Quarantine(same),
        scheduler=scheduler,
        webhooks=webhooks,
    )
