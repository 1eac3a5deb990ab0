"""The courier: one in every worker process; any number share a database, and each delivery is sent by one of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.engine import Engine, Rounds
from nightdrop.errors import NightdropError
from nightdrop.faults import reach
from nightdrop.records.webhook import Delivery, Webhook
from nightdrop.store import deliveries as rows
from nightdrop.store.webhooks import load_webhooks
from nightdrop.webhooks.send import TIMEOUT_SECONDS, outcome, send

log = logging.getLogger("nightdrop.webhooks")

_BUSY_SECONDS = 0.02
_AT_ONCE, _THREADS = 4, 16  # requests to one webhook at a time, and to all
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.0, 60.0  # for a webhook that has just failed, doubling
_SLOW_SECONDS = 0.1  # a look at a batch that takes longer, since it is large, is taken in a twentieth of the time
_REST, _MOST_REST_SECONDS = 20, 30.0


class Courier:
    """Writes the deliveries of batches that have ended, and sends what is due. Lives on the portal's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="nightdrop-webhook")
        self._task: asyncio.Task[None] | None = None
        self._sending: dict[str, set[asyncio.Task[None]]] = {}  # by webhook
        self._failures: dict[str, int] = {}  # in a row, by webhook
        self._pauses: dict[str, float] = {}  # webhooks left alone before this time
        self._rests: dict[str, float] = {}  # batches not looked at before this time

    def start(self) -> None:
        """Begin to look; call on the portal's loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Take nothing more; what is being sent may end, so that it is not sent again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        under_way = self._under_way()
        if under_way:
            await asyncio.wait(under_way, timeout=TIMEOUT_SECONDS)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def finish(self, seconds: float) -> None:
        """Send what is due by now, but for no longer than this; then stop: for a process that comes to its end."""
        with contextlib.suppress(TimeoutError, NightdropError):
            async with asyncio.timeout(seconds):
                while await self.tick(clock.now_ms()):
                    await self.sent()
        await self.stop()

    async def tick(self, now_ms: int) -> bool:
        """One look at everything, at this time: what is due is begun to be sent. False: there was nothing to send."""
        await self._tell_batches()
        due = await self._engine.desk.read(partial(rows.due_webhooks, now_ms=now_ms))
        begun = False
        if not due:
            return begun
        for webhook in await self._engine.desk.read(load_webhooks):
            assert webhook.id is not None
            room = _AT_ONCE - len(self._sending.get(webhook.id, ()))
            if webhook.id in due and room > 0 and self._pauses.get(webhook.id, 0.0) <= clock.monotonic():
                begun = await self._begin(webhook, webhook.id, room, now_ms) or begun
        return begun

    async def sent(self) -> None:
        """Wait until what has been begun is settled."""
        while under_way := self._under_way():
            await asyncio.wait(under_way)

    async def _run(self) -> None:
        rounds = Rounds(self._engine.desk)
        while True:
            begun = False
            try:
                begun = await self.tick(clock.now_ms())
            except (NightdropError, sa.exc.SQLAlchemyError) as error:
                log.error("webhooks: %s; it is tried again", error)
            if begun:
                await asyncio.sleep(_BUSY_SECONDS)
            else:
                await rounds.rest()

    async def _tell_batches(self) -> None:
        touched = await self._engine.desk.read(rows.touched_batches)
        now = clock.monotonic()
        self._rests = {batch: until for batch, until in self._rests.items() if until > now}
        for batch_id in touched:
            if batch_id in self._rests:
                continue
            began = clock.monotonic()
            if await self._engine.desk.read(partial(rows.is_over, batch_id=batch_id)):
                await self._engine.desk.write(partial(rows.tell_batch, batch_id=batch_id))
                continue
            took = clock.monotonic() - began
            if took > _SLOW_SECONDS:
                self._rests[batch_id] = clock.monotonic() + min(_REST * took, _MOST_REST_SECONDS)

    async def _begin(self, webhook: Webhook, webhook_id: str, room: int, now_ms: int) -> bool:
        claim = partial(rows.claim_deliveries, webhook_id=webhook_id, now_ms=now_ms, limit=room)
        claimed = await self._engine.desk.write(claim)
        if claimed:
            reach("delivery.claimed")
        sending = self._sending.setdefault(webhook_id, set())
        for delivery in claimed:
            task = asyncio.create_task(self._send(webhook, delivery, now_ms))
            sending.add(task)
            task.add_done_callback(sending.discard)
        return bool(claimed)

    async def _send(self, webhook: Webhook, delivery: Delivery, now_ms: int) -> None:
        loop = asyncio.get_running_loop()
        attempt = await loop.run_in_executor(self._threads, send, webhook, delivery, clock.now_ms())
        reach("delivery.sent")
        self._note(delivery.webhook_id, failed=attempt.error is not None and attempt.again)
        if attempt.error is not None:
            log.warning("webhook %s: delivery %s: %s", webhook.id, delivery.id, attempt.error)
        values = outcome(delivery, attempt, now_ms)
        try:
            await self._engine.desk.insist(lambda c: rows.settle_delivery(c, delivery, **values))
        except NightdropError as error:
            log.error("delivery %s was sent and is not noted: it is sent again: %s", delivery.id, error)

    def _note(self, webhook_id: str, *, failed: bool) -> None:
        """One that fails is left alone for a while: what waits for it is not sent into the void."""
        if not failed:
            self._failures.pop(webhook_id, None)
            self._pauses.pop(webhook_id, None)
            return
        count = self._failures.get(webhook_id, 0) + 1
        self._failures[webhook_id] = count
        pause = min(_PAUSE_SECONDS * 2.0 ** min(count - 1, 10), _LONGEST_PAUSE_SECONDS)
        self._pauses[webhook_id] = clock.monotonic() + pause

    def _under_way(self) -> list[asyncio.Task[None]]:
        return [task for tasks in self._sending.values() for task in tasks]
