"""The deliverer: puts results into sinks, in every process that works for everyone; each is put by one of them."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.engine import Engine
from nightdrop.errors import NightdropError, UsageError
from nightdrop.faults import reach
from nightdrop.records.sink import Sink, SinkDelivery
from nightdrop.sinks.folder import put_in_folder
from nightdrop.sinks.outbox_row import sink_row
from nightdrop.sinks.table import put_in_table
from nightdrop.store import sinks as outbox
from nightdrop.store.load import load_runs

log = logging.getLogger("nightdrop.sinks")

TICK_SECONDS = 0.5
_TOGETHER = 100  # results put in one go
_DATABASES = ("sqlite", "postgresql", "mysql", "mariadb", "mssql", "oracle")


class Deliverer:
    """Puts what is pending. Lives on the portal's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._task: asyncio.Task[None] | None = None
        self._putting: dict[str, asyncio.Task[None]] = {}  # by sink

    def start(self) -> None:
        """Begin to look; call on the portal's loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Take nothing more; what is being put may end, else it is put again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._putting:
            await asyncio.wait(self._putting.values(), timeout=10)

    async def tick(self, now_ms: int) -> None:
        """One look at this time: each sink with something due is begun with, unless it is being put into."""
        self._putting = {key: task for key, task in self._putting.items() if not task.done()}
        due = await self._engine.desk.read(partial(outbox.due_sinks, now_ms=now_ms))
        if not due:
            return
        for sink in await self._engine.desk.read(outbox.load_sinks):
            if sink.id in due and sink.id not in self._putting:
                self._putting[sink.id] = asyncio.create_task(self._empty(sink, now_ms))

    async def put(self) -> None:
        """Wait until what has been begun is settled."""
        if self._putting:
            await asyncio.wait(self._putting.values())

    async def _run(self) -> None:
        while True:
            try:
                await self.tick(clock.now_ms())
            except (NightdropError, sa.exc.SQLAlchemyError) as error:
                log.error("sinks: %s; it is tried again", error)
            await asyncio.sleep(TICK_SECONDS)

    async def _empty(self, sink: Sink, now_ms: int) -> None:
        """Put all that is due, portion by portion; one that fails ends it, and is tried later."""
        claim = partial(outbox.claim_pending, sink_id=sink.id, now_ms=now_ms, limit=_TOGETHER)
        try:
            while taken := await self._engine.desk.write(claim):
                reach("sink.claimed")
                if not await self._put(sink, taken, now_ms):
                    return
        except NightdropError as error:
            log.error("sink %s: %s; it is tried again", sink.name, error)

    async def _put(self, sink: Sink, taken: list[SinkDelivery], now_ms: int) -> bool:
        runs = await self._engine.desk.read(partial(load_runs, run_ids=[row.run_id for row in taken]))
        versions = {row.run_id: row.version for row in taken}
        rows = [sink_row(run, versions[run.run_id]) for run in runs]
        try:
            await asyncio.to_thread(_put_into, sink, rows)
        except Exception as error:  # noqa: BLE001 - an edge: drivers and servers raise their own
            words = f"{type(error).__name__}: {getattr(error, 'orig', None) or error}"
            log.warning("sink %s: %s results wait: %s", sink.name, len(taken), words)
            await self._engine.desk.write(partial(outbox.put_off, taken=taken, error=words, now_ms=now_ms))
            return False
        reach("sink.put")
        here = {run.run_id for run in runs}
        there = [row for row in taken if row.run_id in here]
        gone = [row for row in taken if row.run_id not in here]
        await self._engine.desk.write(partial(outbox.settle, taken=there, state="delivered", error=None))
        if gone:
            await self._engine.desk.write(partial(outbox.settle, taken=gone, state="dead", error="the run was deleted"))
        return True


def _put_into(sink: Sink, rows: list[dict[str, object]]) -> None:
    url = url_of(sink)
    scheme = url.partition("://")[0].partition("+")[0]
    if scheme in _DATABASES:
        put_in_table(url, rows)
    else:
        put_in_folder(url, rows)


def url_of(sink: Sink) -> str:
    """The sink's URL. Raises UsageError when the variable that it names is not set in this process."""
    if not sink.url.startswith("env:"):
        return sink.url
    name = sink.url.removeprefix("env:")
    if not os.environ.get(name):
        raise UsageError(f"{name} is not set in this process: it is the URL of sink {sink.name}")
    return os.environ[name]
