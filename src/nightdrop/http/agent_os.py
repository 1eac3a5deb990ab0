"""AgentOS: the agents of one service over one database, as `nightdrop serve` and `nightdrop worker` take them."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nightdrop.errors import UsageError
from nightdrop.http.address import listen
from nightdrop.public.agent import Agent
from nightdrop.records.webhook import Webhook
from nightdrop.store import Database
from nightdrop.store.tokens import list_tokens

if TYPE_CHECKING:
    from fastapi import FastAPI


class AgentOS:
    """Agents that share one database. An agent without one gets this one.

    agents: with distinct ids. db: default: the agents' own. scheduler: processes that serve it fire the database's
    schedules. webhooks: who is told of ends and dead letters; made or changed in the database when such a process
    starts. Raises UsageError when they do not go together.
    """

    def __init__(
        self,
        *,
        agents: Sequence[Agent],
        db: Database | None = None,
        scheduler: bool = False,
        webhooks: Sequence[Webhook] = (),
    ) -> None:
        if not agents:
            raise UsageError("AgentOS(agents=[...]) takes at least one agent")
        ids = [agent.id for agent in agents]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise UsageError(f"two agents have the id {twice[0]!r}: give each an id of its own")
        found = db or next((agent.db for agent in agents if agent.db is not None), None)
        if found is None:
            raise UsageError('AgentOS needs a database: AgentOS(agents=[...], db=SqliteDb("nightdrop.db"))')
        for agent in agents:
            if agent.db is not None and agent.db.label != found.label:
                raise UsageError(f"agent {agent.id!r} has the database {agent.db.label}, the AgentOS {found.label}")
        if not all(isinstance(webhook, Webhook) for webhook in webhooks):
            raise UsageError('webhooks= takes Webhooks: [Webhook(url="https://...", secret="env:HOOK_SECRET")]')
        for agent in agents:
            agent.use(found)
        self.agents = tuple(agents)
        self.db = found
        self.scheduler = scheduler
        self.webhooks = tuple(webhooks)

    def __repr__(self) -> str:
        return f"AgentOS(agents={[agent.id for agent in self.agents]}, db={self.db})"

    def get_app(self, *, no_auth: bool = False) -> FastAPI:
        """The HTTP service as a FastAPI app. While it lives, its process executes what was accepted.

        no_auth: everybody who reaches it may do everything, for where something in front of it checks.
        """
        from nightdrop.http.app import make_app  # FastAPI takes half a second to load: not for a worker

        return make_app(self, no_auth=no_auth)

    def serve(self, host: str = "127.0.0.1", port: int = 7777, *, no_auth: bool = False) -> None:
        """Serve the app until SIGTERM or Ctrl-C. Raises UsageError when the address cannot be bound, or must not be."""
        with self.listen(host, port, no_auth=no_auth) as listening:
            from nightdrop.http.serve import serve  # as above

            serve(self.get_app(no_auth=no_auth), listening)

    def listen(self, host: str, port: int, *, no_auth: bool = False) -> socket.socket:
        """What `serve` listens on. An address that other machines reach needs a token in the database, or no_auth.

        Raises UsageError.
        """
        return listen(host, port, lambda: no_auth or self._has_tokens())

    def _has_tokens(self) -> bool:
        with self.db.read() as connection:
            return bool(list_tokens(connection))
