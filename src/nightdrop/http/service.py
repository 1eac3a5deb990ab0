"""What every route works on: the agents and workflows of one AgentOS, and their database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, TypeVar

import sqlalchemy as sa
from fastapi import Depends, Request

from nightdrop.batch import Listings
from nightdrop.engine import Engine, engine_for
from nightdrop.errors import AgentNotFound, RunNotFound, ServiceStopping, WorkflowNotFound
from nightdrop.http.feeds import Feeds
from nightdrop.portal import portal
from nightdrop.public.agent import Agent
from nightdrop.public.workflow import Workflow
from nightdrop.records.run import RunOutput
from nightdrop.store import Database
from nightdrop.store.load import load_run

if TYPE_CHECKING:
    from nightdrop.http.agent_os import AgentOS

T = TypeVar("T")


@dataclass(kw_only=True)
class Service:
    """One service. stopping: set when it is told to stop, so that long answers come to their end.

    feeds: the text of streamed runs as their models write it. allow_paths: folders and URLs that sources may lie below.
    """

    agent_os: AgentOS
    feeds: Feeds = field(default_factory=Feeds)
    allow_paths: tuple[str, ...] = ()
    stopping: bool = False
    _listings: Listings | None = None

    @property
    def db(self) -> Database:
        """The database of all agents."""
        return self.agent_os.db

    def agent(self, agent_id: str) -> Agent:
        """An agent by its id. Raises AgentNotFound."""
        for agent in self.agent_os.agents:
            if agent.id == agent_id:
                return agent
        known = ", ".join(agent.id for agent in self.agent_os.agents)
        raise AgentNotFound(f"there is no agent {agent_id!r} here; there are: {known}")

    def workflow(self, workflow_id: str) -> Workflow:
        """A workflow by its id. Raises WorkflowNotFound."""
        for workflow in self.agent_os.workflows:
            if workflow.id == workflow_id:
                return workflow
        known = ", ".join(workflow.id for workflow in self.agent_os.workflows) or "none"
        raise WorkflowNotFound(f"there is no workflow {workflow_id!r} here; there are: {known}")

    async def engine(self) -> Engine:
        """The engine that executes what is accepted here."""
        return await portal().bridge(engine_for(self.db))

    @property
    def listings(self) -> Listings:
        """Goes through the sources of batches; there once the app's lifespan has begun."""
        if self._listings is None:
            raise ServiceStopping("the app's lifespan has not begun")
        return self._listings

    @listings.setter
    def listings(self, listings: Listings) -> None:
        self._listings = listings

    async def athread(self, work: Callable[[], T]) -> T:
        """Do blocking work on a thread."""
        return await asyncio.to_thread(work)

    def read(self, query: Callable[[sa.Connection], T]) -> T:
        """Ask the database; blocks."""
        with self.db.read() as connection:
            return query(connection)

    async def aread(self, query: Callable[[sa.Connection], T]) -> T:
        """`read` for async code."""
        return await asyncio.to_thread(self.read, query)

    def run(self, run_id: str, agent_id: str | None = None, *, workflow_id: str | None = None) -> RunOutput:
        """A run as committed, of this agent or workflow if one is named. Raises RunNotFound."""
        run = self.read(lambda c: load_run(c, run_id))
        if run is None or agent_id not in (None, run.agent_id) or workflow_id not in (None, run.workflow_id):
            of = f" of agent {agent_id!r}" if agent_id else f" of workflow {workflow_id!r}" if workflow_id else ""
            raise RunNotFound(f"there is no run {run_id!r}{of}")
        return run


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service


Serving = Annotated[Service, Depends(service_of)]
"""A route's argument: the service."""
