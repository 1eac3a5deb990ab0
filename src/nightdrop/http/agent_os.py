"""AgentOS: agents and workflows of one service over one database, as `nightdrop serve` and `nightdrop worker` take
them."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nightdrop.errors import UsageError
from nightdrop.http.address import listen
from nightdrop.public.agent import Agent
from nightdrop.public.workflow import Workflow
from nightdrop.records.webhook import Webhook
from nightdrop.store import Database
from nightdrop.store.tokens import list_tokens

if TYPE_CHECKING:
    from fastapi import FastAPI


class AgentOS:
    """Agents and workflows that share one database. One without a database gets this one.

    agents, workflows: with distinct ids. db: default: their own. scheduler: processes that serve it fire the
    database's schedules. webhooks: who is told of ends and dead letters; made or changed in the database when such a
    process starts. Raises UsageError when they do not go together.
    """

    def __init__(
        self,
        *,
        agents: Sequence[Agent] = (),
        workflows: Sequence[Workflow] = (),
        db: Database | None = None,
        scheduler: bool = False,
        webhooks: Sequence[Webhook] = (),
    ) -> None:
        together = (*agents, *workflows)
        if not together:
            raise UsageError("AgentOS takes at least one agent or workflow: AgentOS(agents=[...], workflows=[...])")
        for kind, ids in (("agents", [a.id for a in agents]), ("workflows", [w.id for w in workflows])):
            twice = sorted({name for name in ids if ids.count(name) > 1})
            if twice:
                raise UsageError(f"two {kind} have the id {twice[0]!r}: give each an id of its own")
        found = db or next((one.db for one in together if one.db is not None), None)
        if found is None:
            raise UsageError('AgentOS needs a database: AgentOS(agents=[...], db=SqliteDb("nightdrop.db"))')
        for one in together:
            if one.db is not None and one.db.label != found.label:
                kind = type(one).__name__.lower()
                raise UsageError(f"{kind} {one.id!r} has the database {one.db.label}, the AgentOS {found.label}")
        if not all(isinstance(webhook, Webhook) for webhook in webhooks):
            raise UsageError('webhooks= takes Webhooks: [Webhook(url="https://...", secret="env:HOOK_SECRET")]')
        for one in together:
            one.use(found)
        self.agents = tuple(agents)
        self.workflows = tuple(workflows)
        self.db = found
        self.scheduler = scheduler
        self.webhooks = tuple(webhooks)

    def __repr__(self) -> str:
        return (
            f"AgentOS(agents={[agent.id for agent in self.agents]}, "
            f"workflows={[workflow.id for workflow in self.workflows]}, db={self.db})"
        )

    def get_app(self, *, no_auth: bool = False, allow_paths: Sequence[str] = ()) -> FastAPI:
        """The HTTP service as a FastAPI app. While it lives, its process executes what was accepted.

        no_auth: everybody who reaches it may do everything, for where something in front of it checks. allow_paths:
        folders, and URLs, that sources of batches and schedules may lie below.
        """
        from nightdrop.http.app import make_app  # FastAPI takes half a second to load: not for a worker

        return make_app(self, no_auth=no_auth, allow_paths=allow_paths)

    def serve(
        self, host: str = "127.0.0.1", port: int = 7777, *, no_auth: bool = False, allow_paths: Sequence[str] = ()
    ) -> None:
        """Serve the app until SIGTERM or Ctrl-C. Raises UsageError when the address cannot be bound, or must not be."""
        with self.listen(host, port, no_auth=no_auth) as listening:
            from nightdrop.http.serve import serve  # as above

            serve(self.get_app(no_auth=no_auth, allow_paths=allow_paths), listening)

    def listen(self, host: str, port: int, *, no_auth: bool = False) -> socket.socket:
        """What `serve` listens on. An address that other machines reach needs a token in the database, or no_auth.

        Raises UsageError.
        """
        return listen(host, port, lambda: no_auth or self._has_tokens())

    def _has_tokens(self) -> bool:
        with self.db.read() as connection:
            return bool(list_tokens(connection))
