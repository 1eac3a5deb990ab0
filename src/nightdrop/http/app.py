"""The FastAPI app of one AgentOS."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer

from nightdrop.batch import Listings
from nightdrop.engine import engine_for
from nightdrop.errors import UsageError
from nightdrop.http.access import Access
from nightdrop.http.bodies import Bodies
from nightdrop.http.caller import Gate
from nightdrop.http.description import describe_problems
from nightdrop.http.problems import handle_errors
from nightdrop.http.routes import (
    agents,
    batches,
    documents,
    events,
    health,
    letters,
    metrics,
    money,
    reviews,
    schedules,
    workflows,
)
from nightdrop.http.service import Service
from nightdrop.portal import portal
from nightdrop.schedules import Scheduler
from nightdrop.sinks.deliver import Deliverer
from nightdrop.webhooks import Courier
from nightdrop.worker import Quarantine

if TYPE_CHECKING:
    from nightdrop.http.agent_os import AgentOS

Beside = Scheduler | Courier | Deliverer | Listings
"""What goes on beside the engine while the app lives."""

DRAIN_SECONDS = 10.0
_BEARER = HTTPBearer(auto_error=False, description="A token; without tokens this machine needs none.")
"""Shown in OpenAPI; `Access` is who checks it."""

_ABOUT = (
    "Documents go in, typed and checked data comes out, nothing is lost. Errors are RFC 9457 problems with a stable "
    "`code`. Lists are newest first and page by `next_cursor`. Times are RFC 3339 in UTC, money is text in US dollars."
)


def make_app(
    agent_os: AgentOS,
    *,
    no_auth: bool = False,
    allow_paths: Sequence[str] = (),
    quarantine: Quarantine | None = None,
) -> FastAPI:
    """The app. While it lives, this process executes the database's runs of these agents and workflows, tells its
    webhooks, and fires its schedules if the AgentOS says so.

    no_auth: everybody who reaches it may do everything. allow_paths: folders, and URLs, that sources of batches and
    schedules may lie below. quarantine: where runs go that may have killed a process.
    """
    service = Service(agent_os=agent_os, allow_paths=_real(allow_paths))

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        beside = await _begin(service, quarantine)
        try:
            yield
        finally:
            await _end(service, beside, quarantine)

    app = FastAPI(
        title="nightdrop",
        version=version("nightdrop"),
        description=_ABOUT,
        lifespan=life,
    )
    app.state.service = service
    app.add_middleware(Bodies)
    app.add_middleware(Access, service=service, gate=Gate(service.db, is_open=no_auth))  # the outer one
    handle_errors(app)
    for routes in (agents, workflows, batches, documents, events, letters, metrics, money, reviews, schedules):
        app.include_router(routes.router, dependencies=[Security(_BEARER)])
    app.include_router(health.router)
    describe_problems(app)
    return app


def _real(allow_paths: Sequence[str]) -> tuple[str, ...]:
    for path in allow_paths:
        if "://" not in path and not os.path.isdir(path):
            raise UsageError(f"--allow-path {path}: there is no such folder")
    return tuple(path if "://" in path else os.path.realpath(path) for path in allow_paths)


async def _begin(service: Service, quarantine: Quarantine | None) -> list[Beside]:
    await asyncio.to_thread(service.db.webhooks.register, service.agent_os.webhooks)
    ensure = None if quarantine is None else quarantine.ensure
    engine = await portal().bridge(engine_for(service.db, quarantine=ensure))
    service.listings = Listings(engine)
    beside: list[Beside] = [Courier(engine), Deliverer(engine), service.listings]
    if service.agent_os.scheduler:
        beside.append(Scheduler(engine))
    for one in beside:
        portal().loop.call_soon_threadsafe(one.start)
    return beside


async def _end(service: Service, beside: list[Beside], quarantine: Quarantine | None) -> None:
    """Fire and tell nothing more, let runs end for some seconds, hand the others back."""
    service.stopping = True
    engine = await service.engine()
    for one in beside:
        await portal().bridge(one.stop())
    if quarantine is not None:
        await asyncio.to_thread(quarantine.stop, service.db)
    await portal().bridge(engine.drain(DRAIN_SECONDS))
    await asyncio.to_thread(service.db.close)
