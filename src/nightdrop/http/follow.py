"""Server-sent events of a run: its states, a workflow's steps, the text of its model, its end.

They are taken up again behind the last one seen.
"""

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
from nightdrop.http.step_news import StepNews
from nightdrop.portal import portal
from nightdrop.records.run import RunOutput, RunStatus
from nightdrop.store.progress import Progress, progress
from nightdrop.store.run_state import RunState

LOOK_SECONDS = 0.5
_KEEP_ALIVE_SECONDS = 15.0
_AT_WORK = (RunStatus.RUNNING, RunStatus.PAUSED)  # a step that asks has begun
_PARTS_OF_ID = 5  # attempt, status, time, characters, steps
_KEEP_ALIVE = b": still here\n\n"


def event(name: str, data: dict[str, Any], event_id: str) -> bytes:
    """One event as it is sent."""
    return format_sse_event(data_str=json.dumps(data, ensure_ascii=False), event=name, id=event_id)


def event_stream(events: AsyncIterator[bytes], **headers: str) -> StreamingResponse:
    """The answer that sends these events, and something every few seconds so that nothing on the way hangs up."""
    quiet = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(_kept_alive(events), media_type="text/event-stream", headers={**quiet, **headers})


async def follow_run(service: Service, run_id: str, last_id: str | None) -> AsyncIterator[bytes]:
    """`status`, `step` and `text` events behind `last_id`, and `end` with the whole run. An empty piece for no news.

    Raises RunNotFound.
    """
    seen = Seen(last_id)
    feed = service.feeds.find(run_id)
    wake = asyncio.Event() if feed is None else feed.watch()
    ended = await _wake_at_end(service, run_id, wake)
    try:
        while True:
            now = await service.aread(partial(progress, run_id=run_id))
            if now is None:
                raise RunNotFound(f"there is no run {run_id!r}")
            state = now.state
            for news in seen.news(now, feed):
                yield news
            if not state.status.is_open:
                run = await asyncio.to_thread(service.run, run_id)
                if run.pause is not None and run.pause.step is not None:
                    yield event("step", {"path": run.pause.step, "status": run.status.value}, seen.id_before(state))
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
    """What a client has seen, by the id of the last event it got: STATE.CHARACTERS.STEPS, where the state is a key and
    STEPS counts the events of steps."""

    def __init__(self, last_id: str | None) -> None:
        parts = (last_id or "").split(".")
        whole = len(parts) == _PARTS_OF_ID and all(_is_count(part) for part in (parts[0], *parts[3:]))
        self._key = ".".join(parts[:3]) if whole else ""
        self._attempt = int(parts[0]) if whole else None
        self._characters, self._told = (int(parts[3]), int(parts[4])) if whole else (0, 0)
        self._steps = StepNews()
        self._made = 0  # events of steps, told or seen before

    def id_of(self, state: RunState) -> str:
        """The id of an event that is sent now."""
        return f"{state.key}.{self._characters}.{self._told}"

    def id_before(self, state: RunState) -> str:
        """The id of an event that is sent just before the end: who has seen only that is sent the end."""
        return f"{state.attempt}.{RunStatus.RUNNING.value}.{state.changed_at}.{self._characters}.{self._told}"

    def _id(self, state: RunState) -> str:
        return self.id_of(state) if state.status.is_open else self.id_before(state)

    def is_at(self, state: RunState) -> bool:
        """Whether the client has seen this state."""
        return self._key == state.key

    def news(self, now: Progress, feed: Feed | None) -> list[bytes]:
        """The events before the end that the client has not seen."""
        found: list[bytes] = []
        state = now.state
        if state.status.is_open and not self.is_at(state):
            self._key = state.key
            data = {"run_id": state.run_id, "status": state.status.value, "attempt": state.attempt}
            found.append(event("status", data, self.id_of(state)))
        found += self._of_steps(now)
        text = "" if feed is None else feed.since(self._characters)
        if text:
            self._characters += len(text)
            found.append(event("text", {"text": text}, self._id(state)))
        return found

    def _of_steps(self, now: Progress) -> list[bytes]:
        state = now.state
        if self._attempt not in (None, state.attempt):  # tried again since: what is kept of before was told then
            self._steps, self._made = StepNews(), 0
            kept = [result for result in now.steps if result.attempt < state.attempt]
            self._made = self._told = len(self._steps.made_of(kept, now.plan, is_running=False))
        self._attempt = state.attempt
        found: list[bytes] = []
        for data in self._steps.made_of(now.steps, now.plan, is_running=state.status in _AT_WORK):
            self._made += 1
            if self._made > self._told:
                self._told = self._made
                found.append(event("step", data, self._id(state)))
        return found


def _is_count(part: str) -> bool:
    return part.isdecimal() and len(part) < 10


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
