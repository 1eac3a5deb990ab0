"""The deliverer: puts results into sinks, in every process that works for everyone; each is put by one of them."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.engine import Engine, Rounds
from nightdrop.errors import NightdropError
from nightdrop.faults import reach
from nightdrop.records.sink import Sink, SinkDelivery
from nightdrop.sinks.outbox_row import sink_row
from nightdrop.sinks.put import Outcome, put_portion
from nightdrop.store import outbox
from nightdrop.store.load import load_runs
from nightdrop.store.sinks import load_sinks

log = logging.getLogger("nightdrop.sinks")

_TOGETHER = 100  # results put in one go


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
        due = set(await self._engine.desk.read(partial(outbox.due_sinks, now_ms=now_ms))) - self._putting.keys()
        if not due:
            return
        for sink in await self._engine.desk.read(load_sinks):
            if sink.id in due:
                self._putting[sink.id] = asyncio.create_task(self._empty(sink, now_ms))

    async def put(self) -> None:
        """Wait until what has been begun is settled."""
        if self._putting:
            await asyncio.wait(self._putting.values())

    async def _run(self) -> None:
        rounds = Rounds(self._engine.desk)
        while True:
            try:
                await self.tick(clock.now_ms())
            except (NightdropError, sa.exc.SQLAlchemyError) as error:
                log.error("sinks: %s; it is tried again", error)
            await rounds.rest()

    async def _empty(self, sink: Sink, now_ms: int) -> None:
        """Put all that is due, portion by portion, until the sink is empty or down."""
        began = clock.monotonic()
        try:
            while True:
                now = now_ms + int((clock.monotonic() - began) * 1000)
                claim = partial(outbox.claim_pending, sink_id=sink.id, now_ms=now, limit=_TOGETHER)
                taken = await self._engine.desk.write(claim)
                if not taken:
                    return
                reach("sink.claimed")
                if not await self._put(sink, taken, now):
                    return
        except NightdropError as error:
            log.error("sink %s: %s; it is tried again", sink.name, error)

    async def _put(self, sink: Sink, taken: list[SinkDelivery], now_ms: int) -> bool:
        """Put one portion. False: the sink is down."""
        runs = await self._engine.desk.read(partial(load_runs, run_ids=[row.run_id for row in taken]))
        versions = {row.run_id: row.version for row in taken}
        rows = [sink_row(run, versions[run.run_id]) for run in runs]
        outcome = await asyncio.to_thread(put_portion, sink, rows)
        if outcome.there:
            reach("sink.put")
        for why in sorted({*outcome.refused.values(), *outcome.waiting.values()}):
            log.warning("sink %s: %s", sink.name, why)
        gone = versions.keys() - {run.run_id for run in runs}
        await self._engine.desk.write(partial(_note, sink.id, taken, outcome, gone, now_ms))
        return not outcome.waiting


def _note(
    sink_id: str, taken: list[SinkDelivery], outcome: Outcome, gone: set[str], now_ms: int, connection: sa.Connection
) -> None:
    """Write what became of a portion, in one transaction."""
    by_run = {row.run_id: row for row in taken}
    outbox.settle(connection, [by_run[run_id] for run_id in outcome.there], state="delivered", error=None)
    outbox.settle(connection, [by_run[run_id] for run_id in gone], state="dead", error="the run was deleted")
    for run_id, why in outcome.refused.items():
        outbox.refuse(connection, by_run[run_id], why, now_ms)
    untried = by_run.keys() - outcome.there - gone - outcome.refused.keys() - outcome.waiting.keys()
    outbox.settle(connection, [by_run[run_id] for run_id in untried], not_before=0)
    if outcome.there or outcome.refused:
        outbox.answers(connection, sink_id)
    if outcome.waiting:
        waiting = {by_run[run_id]: why for run_id, why in outcome.waiting.items()}
        asked_ms = int(outcome.retry_after * 1000)
        outbox.leave_alone(connection, sink_id, waiting, now_ms=now_ms, asked_ms=asked_ms)
