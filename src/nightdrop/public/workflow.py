"""The Workflow: steps over each document, durable with a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from nightdrop.agents import AgentSpec
from nightdrop.engine import reader_pool
from nightdrop.errors import UsageError, WorkflowInvalid
from nightdrop.ids import slug
from nightdrop.intake.take import Taken
from nightdrop.public.in_memory import run_workflow_in_memory
from nightdrop.public.runnable import Runnable
from nightdrop.records.event import RunEvent
from nightdrop.records.request import RunRequest
from nightdrop.records.run import RunOutput
from nightdrop.store import Database
from nightdrop.workflows import Steps, WorkflowSpec, content_of


class Workflow(Runnable):
    """Steps over a run's documents: agents, functions, other workflows, and what decides between them.

    id: the route and the identity in rows; default: slug of name. steps: in order. db: None stores nothing. version:
    change it when a function's code has changed so much that its old results are not to be shared. With a database
    every step is recorded once it has ended, and a run whose process died goes on behind the last one recorded.
    """

    def __init__(
        self,
        *,
        steps: Sequence[Any],
        id: str | None = None,
        name: str | None = None,
        db: Database | None = None,
        version: str | None = None,
    ) -> None:
        if not (id or name):
            raise WorkflowInvalid("a workflow needs id= or name=")
        if db is not None and not isinstance(db, Database):
            raise UsageError(f"db={db!r} is not a database: give db=SqliteDb({str(db)!r})")
        self.id = id or slug(name or "")
        self.name = name or self.id
        self.db: Database | None = db
        self.spec = WorkflowSpec(id=self.id, name=self.name, root=Steps(steps, name="workflow"), version=version)
        if db is not None:
            self.use(db)

    def __repr__(self) -> str:
        return f"Workflow(id={self.id!r}, steps={[node.name for node in self.spec.root.steps]}, db={self.db})"

    @property
    def _agents(self) -> Sequence[AgentSpec]:
        return [agent for agent in self.spec.agents if isinstance(agent, AgentSpec)]

    async def _in_memory(
        self, request: RunRequest, taken: Sequence[Taken], on_event: Callable[[RunEvent], None] | None
    ) -> RunOutput:
        return await run_workflow_in_memory(self.spec, request, taken, reader_pool(), on_event)

    def _typed(self, run: RunOutput) -> RunOutput:
        return run if run.content is None else replace(run, content=content_of(self.spec, run.steps, run.content))
