"""What `nightdrop run` and `nightdrop watch` run: the options that say it, and what they load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from nightdrop.public.runnable import Runnable
    from nightdrop.store import Database

C = TypeVar("C", bound=Callable[..., None])

_SCHEMA_HELP = "Without --agent: invoice, module:Class, or a JSON schema file."
_OPTIONS = (
    click.option("--agent", metavar="APP:NAME", help="The agent, such as app.py:agent or package.module:agent."),
    click.option("--workflow", metavar="APP:NAME", help="Instead of --agent: a workflow, such as app.py:workflow."),
    click.option("--model", default=None, help="Without --agent: the model.  [default: local]"),
    click.option("--schema", default=None, help=_SCHEMA_HELP + "  [default: invoice]"),
)

DATABASE = click.option(
    "--db", metavar="PATH|URL", help="The database; default: the agent's, NIGHTDROP_DB, or ./nightdrop.db."
)
CONCURRENCY = click.option("--concurrency", default="auto", metavar="N|auto", help="Runs at a time.  [default: auto]")


def SUBJECT(command: C) -> C:
    """The options that say what runs."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """These options as they were given."""

    agent: str | None
    workflow: str | None
    model: str | None
    schema: str | None
    db: str | None

    def load(self) -> tuple[Runnable, Database]:
        """What runs, and on which database. Raises UsageError."""
        from nightdrop.cli.load import load_agent, load_workflow, open_database, schema_agent
        from nightdrop.errors import UsageError

        if self.agent is not None and self.workflow is not None:
            raise UsageError("give --agent or --workflow, not both")
        if (self.agent is not None or self.workflow is not None) and (self.model or self.schema):
            raise UsageError(
                "--agent and --workflow bring their own models and schemas: leave --model and --schema out"
            )
        if self.workflow is not None:
            workflow = load_workflow(self.workflow)
            return workflow, open_database(self.db, workflow)
        if self.agent is not None:
            agent = load_agent(self.agent)
            return agent, open_database(self.db, agent)
        database = open_database(self.db)
        return schema_agent(self.model or "local", self.schema or "invoice", database), database

    def worker_command(self, database: Database) -> list[str]:
        """The command line of a process that loads the same on the same database."""
        from nightdrop.cli.worker import process_command

        app = self.agent or self.workflow
        if app is not None:
            return process_command(database.place, agent=app)
        return process_command(database.place, model=self.model, schema=self.schema)


def concurrency_of(text: str) -> int | None:
    """How many runs at a time `--concurrency` says, None for auto. Raises UsageError."""
    from nightdrop.errors import UsageError

    if text == "auto":
        return None
    if not text.isdigit() or int(text) < 1:
        raise UsageError(f"--concurrency {text}: give a whole number of 1 or more, or auto")
    return int(text)
