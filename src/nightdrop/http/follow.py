"""Server-sent events of a run: its states, the text of its model, its end; taken up again behind the last one seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from nightdrop import clock
from nightdrop.errors import RunNotFound
from nightdrop.http.feeds import Feed
from nightdrop.http.service import Service
from nightdrop.portal import portal
from nightdrop.records.run import RunOutput
from nightdrop.store.run_state import RunState, run_state

LOOK_SECONDS = 0.5
_KEEP_ALIVE_SECONDS = 15.0
_KEEP_ALIVE = b": still here\n\n"


def event(name: str, data: dict[str, Any], event_id: str) -> bytes:
    """One event as it is sent."""
    return format_sse_event(data_str=json.dumps(data, ensure_ascii=False), event=name, id=event_id)


def event_stream(events: AsyncIterator[bytes], **headers: str) -> StreamingResponse:
    """The answer that sends these events, and something every few seconds so that nothing on the way hangs up."""
    quiet = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(_kept_alive(events), media_type="text/event-stream", headers={**quiet, **headers})


async def follow_run(service: Service, run_id: str, last_id: str | None) -> AsyncIterator[bytes]:
    """`status` and `text` events behind `last_id`, and `end` with the whole run. An empty piece when there is no news.

    Raises RunNotFound.
    """
    seen = Seen(last_id)
    feed = service.feeds.find(run_id)
    wake = asyncio.Event() if feed is None else feed.watch()
    ended = await _wake_at_end(service, run_id, wake)
    try:
        while True:
            state = await service.aread(partial(run_state, run_id=run_id))
            if state is None:
                raise RunNotFound(f"there is no run {run_id!r}")
            for news in seen.news(state, feed):
                yield news
            if not state.status.is_open:
                run = await asyncio.to_thread(service.run, run_id)
                yield event("end", run.to_json(), seen.id_of(state))
                return
            if service.stopping:
                return
            yield b""
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await wake.wait()
            wake.clear()
    finally:
        ended.cancel()
        if feed is not None:
            feed.unwatch(wake)


class Seen:
    """What a client has seen, by the id of the last event it got: STATE.CHARACTERS, where the state is a key."""

    def __init__(self, last_id: str | None) -> None:
        self._key, _, characters = (last_id or "").rpartition(".")
        self._characters = int(characters) if characters.isdecimal() and len(characters) < 10 else 0

    def id_of(self, state: RunState) -> str:
        """The id of an event that is sent now."""
        return f"{state.key}.{self._characters}"

    def is_at(self, state: RunState) -> bool:
        """Whether the client has seen this state."""
        return self._key == state.key

    def news(self, state: RunState, feed: Feed | None) -> list[bytes]:
        """The events before the end that the client has not seen."""
        found: list[bytes] = []
        if state.status.is_open and not self.is_at(state):
            self._key = state.key
            data = {"run_id": state.run_id, "status": state.status.value, "attempt": state.attempt}
            found.append(event("status", data, self.id_of(state)))
        text = "" if feed is None else feed.since(self._characters)
        if text:
            self._characters += len(text)
            found.append(event("text", {"text": text}, self.id_of(state)))
        return found


async def _wake_at_end(service: Service, run_id: str, wake: asyncio.Event) -> asyncio.Task[RunOutput]:
    """A task that sets the event when the run has ended, wherever it is executed."""
    engine = await service.engine()
    ended = asyncio.create_task(portal().bridge(engine.wait(run_id)))

    def tell(task: asyncio.Task[RunOutput]) -> None:
        if not task.cancelled():
            task.exception()  # seen here, and again when the state is read
        wake.set()

    ended.add_done_callback(tell)
    return ended


async def _kept_alive(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    said = clock.monotonic()
    async for piece in events:
        if piece:
            said = clock.monotonic()
            yield piece
        elif clock.monotonic() - said > _KEEP_ALIVE_SECONDS:
            said = clock.monotonic()
            yield _KEEP_ALIVE
