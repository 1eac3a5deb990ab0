"""procrastinate for benchmarks/drain.py: one async task with one call; Postgres."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import drain_side
from procrastinate import App, PsycopgConnector

app = App(connector=PsycopgConnector(conninfo=drain_side.place(), min_size=4, max_size=32))
_session: aiohttp.ClientSession | None = None


@app.task(name="ask")
async def ask(path: str) -> None:
    """A document: one call of the provider."""
    global _session
    if _session is None:
        _session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    async with _session.post(drain_side.call_url(), json=drain_side.chat(Path(path))) as response:
        await response.json()


async def enqueuer() -> drain_side.One:
    """Defers a document; makes procrastinate's tables when they are missing."""
    await app.open_async()
    if not await app.check_connection_async():
        await app.schema_manager.apply_schema_async()

    async def one(path: Path) -> None:
        await ask.defer_async(path=str(path))

    return one


def work() -> None:
    """A worker process, until it is killed."""

    async def run() -> None:
        async with app.open_async():
            await app.run_worker_async(concurrency=drain_side.CONCURRENCY, install_signal_handlers=False)

    asyncio.run(run())


if __name__ == "__main__":
    drain_side.play(enqueuer, work)
