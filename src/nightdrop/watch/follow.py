"""The results of a watch's batches as they end, each told once by this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from nightdrop.batch import stream_results
from nightdrop.engine import Engine
from nightdrop.records.run import RunOutput, RunStatus
from nightdrop.sinks.row import result_row
from nightdrop.store.watches import open_documents

Tell = Callable[[Mapping[str, Any]], None]


class Follower:
    """Streams of all batches that are not at their end. tell: called with each result row."""

    def __init__(self, engine: Engine, tell: Tell) -> None:
        self._engine = engine
        self._tell = tell
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, set[str]] = {}
        self._telling: set[asyncio.Task[None]] = set()  # no stop cuts them off: a row half told would be told again
        self.done = 0
        self.failed = 0
        self.cost: Decimal | None = Decimal(0)

    def follow(self, batch_id: str, told: set[str], is_accepted: Callable[[str], bool]) -> None:
        """Tell a batch's results from now on; told: the runs whose results are told already."""
        self._told[batch_id] = told
        self._tasks[batch_id] = asyncio.create_task(self._stream(batch_id, is_accepted, wait=True))

    async def catch_up(self, batch_id: str, told: set[str]) -> None:
        """Tell what has ended of a batch, and wait for nothing."""
        self._told[batch_id] = told
        await self._stream(batch_id, lambda _: True, wait=False)

    async def ended(self) -> None:
        """Wait until everything has ended. Raises what telling has raised."""
        while self._tasks:
            await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            self.check()

    def check(self) -> None:
        """Forget batches that are at their end. Raises what telling has raised, such as a full disk."""
        for batch_id, task in [(b, t) for b, t in self._tasks.items() if t.done()]:
            del self._tasks[batch_id]
            task.result()

    async def open(self) -> int:
        """How many documents have not ended."""
        return await self._engine.desk.read(partial(open_documents, batch_ids=list(self._tasks)))

    async def stop(self) -> None:
        """Tell what has ended by now, and no more."""
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await asyncio.gather(*self._telling)
        for batch_id in list(self._told):  # those that came to their end are told, and not in here
            await self.catch_up(batch_id, self._told[batch_id])

    async def _stream(self, batch_id: str, is_accepted: Callable[[str], bool], *, wait: bool) -> None:
        async def accepted() -> bool:
            return is_accepted(batch_id)

        told = self._told[batch_id]
        async for file, run in stream_results(self._engine, batch_id, accepted, wait=wait):
            if run.run_id not in told:
                telling = asyncio.create_task(self._tell_of(run, file, batch_id, told))
                self._telling.add(telling)
                telling.add_done_callback(self._telling.discard)
                await asyncio.shield(telling)
        del self._told[batch_id]

    async def _tell_of(self, run: RunOutput, file: str, batch_id: str, told: set[str]) -> None:
        self._count(run)
        await asyncio.to_thread(self._tell, result_row(run, file, batch_id))
        told.add(run.run_id)

    def _count(self, run: RunOutput) -> None:
        is_failed = run.status in (RunStatus.ERROR, RunStatus.CANCELLED)
        self.failed += is_failed
        self.done += not is_failed
        cost = run.metrics.cost
        self.cost = None if self.cost is None or cost is None else self.cost + cost
