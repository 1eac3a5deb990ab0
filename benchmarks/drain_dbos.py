"""Plain DBOS for benchmarks/drain.py: one queue, a workflow with one step, tuned: WAL, a poll of 0.1 s, no pre-ping."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import drain_side
import sqlalchemy as sa
from dbos import DBOS, DBOSClient

QUEUE, NAME, VERSION = "documents", "drain", "1"
_session: aiohttp.ClientSession | None = None


def engine() -> sa.Engine:
    """The database, as FACTS of both databases ask for it."""
    place = drain_side.place()
    if "://" in place:
        url = place.replace("postgresql://", "postgresql+psycopg://", 1)
        return sa.create_engine(url, pool_size=8, max_overflow=drain_side.CONCURRENCY + 16)
    made = sa.create_engine(f"sqlite:///{place}", pool_size=drain_side.CONCURRENCY + 16, max_overflow=32)

    @sa.event.listens_for(made, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return made


@DBOS.step()
async def ask(path: str) -> str:
    """One call of the provider."""
    global _session
    if _session is None:
        _session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    async with _session.post(drain_side.call_url(), json=drain_side.chat(Path(path))) as response:
        return (await response.json())["choices"][0]["message"]["content"] or ""


@DBOS.workflow(name="document", max_recovery_attempts=None)
async def document(path: str) -> str:
    """A document: one step."""
    return await ask(path)


def client(on: sa.Engine) -> DBOSClient:
    """Who enqueues; makes DBOS's tables and the queue."""
    DBOS.migrate(on.url.render_as_string(hide_password=False))
    made = DBOSClient(system_database_engine=on, application_name=NAME)
    made.register_queue(
        QUEUE, worker_concurrency=drain_side.CONCURRENCY, polling_interval_sec=0.1, on_conflict="always_update"
    )
    return made


async def enqueuer() -> drain_side.One:
    """Enqueues a document: one transaction of DBOS's client."""
    made = client(engine())
    options: Any = {"workflow_name": "document", "queue_name": QUEUE, "app_version": VERSION}

    async def one(path: Path) -> None:
        await asyncio.to_thread(made.enqueue, options, str(path))

    return one


def launch() -> None:
    """Begin to work in this process, on the running event loop."""
    on = engine()
    client(on)
    DBOS(
        config={
            "name": NAME,
            "system_database_url": on.url.render_as_string(hide_password=False),
            "system_database_engine": on,
            "executor_id": uuid.uuid4().hex,
            "application_version": VERSION,
            "log_level": "ERROR",
            "use_listen_notify": False,
            "scheduler_polling_interval_sec": 30.0,
            "max_executor_threads": 16,
        }
    )
    DBOS.listen_queues([QUEUE])
    DBOS.launch()


def work() -> None:
    """A worker process, until it is killed."""

    async def run() -> None:
        launch()
        await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    drain_side.play(enqueuer, work)
