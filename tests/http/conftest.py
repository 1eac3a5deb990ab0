"""A real server on loopback in this process, over a database of each kind, and a client of it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import uvicorn

from nightdrop import Agent, AgentOS, Workflow
from nightdrop.http.address import listen, url_of
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.store.place import database_at
from tests.conftest import invoice_text
from tests.postgres import new_database


@dataclass(frozen=True)
class Served:
    """A server that runs, its database, and a client that knows its address."""

    db: Database
    place: str
    agent_os: AgentOS
    url: str
    client: httpx2.Client

    def agent(self, **options: Any) -> Agent:
        """A new agent of this test's own, served from now on."""
        given = {"model": "local", "output_schema": Invoice, **options}
        agent = Agent(id=f"invoices-{uuid.uuid4().hex[:8]}", db=self.db, **given)
        self.agent_os.agents = (*self.agent_os.agents, agent)
        return agent


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for the tests of a file, once over each kind of database."""
    is_file = request.param == "sqlite"
    place = str(tmp_path_factory.mktemp("db") / "nightdrop.db") if is_file else new_database()
    db = database_at(place)
    agent_os = AgentOS(agents=[Agent(id="invoices", model="local", output_schema=Invoice, db=db)])
    with running(agent_os) as url, httpx2.Client(base_url=url, timeout=30) as client:
        yield Served(db=db, place=place, agent_os=agent_os, url=url, client=client)
    db.close()


class running:
    """An app on a free port of loopback, in a thread, until the block ends."""

    def __init__(self, agent_os: AgentOS, **options: Any) -> None:
        self._listening = listen("127.0.0.1", 0)
        config = uvicorn.Config(agent_os.get_app(**options), log_config=None, timeout_graceful_shutdown=5)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]}, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        until(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started, "the server did not start"
        return url_of(self._listening)

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=30)
        assert not self._thread.is_alive(), "the server does not stop"
        self._listening.close()


@pytest.fixture
def client(served: Served) -> httpx2.Client:
    """Asks the server."""
    return served.client


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """The condition's value once it is true; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return value


def serve(served: Served, *steps: Any) -> str:
    """The path of the runs of a new workflow."""
    workflow = Workflow(id=f"w-{uuid.uuid4().hex[:8]}", steps=list(steps), db=served.db)
    served.agent_os.workflows = (*served.agent_os.workflows, workflow)
    return f"/workflows/{workflow.id}/runs"


def upload(number: int, name: str | None = None) -> tuple[str, tuple[str, bytes, str]]:
    """A small invoice as a part of a form; each number gives another document."""
    return ("files", (name or f"invoice-{number:05}.txt", invoice_text(number).encode(), "text/plain"))


def sent_events(answer: httpx2.Response) -> list[tuple[str, str, Any]]:
    """(id, name, data) of every event of a finished stream."""
    import json

    found = []
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":") and ": " in line)
        if "event" in fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found
