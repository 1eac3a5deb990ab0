"""The text of streamed runs while models write it: kept in this process until some time after the end, so that a
client that lost its connection goes on reading where it was."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict

from nightdrop.records.event import RunEvent

_KEPT = 1000  # feeds, the oldest ended ones go first
_MOST_CHARACTERS = 4_000_000  # of one feed; what comes later is in the result only


class Feed:
    """One run's text so far. `on_event` is called from any thread."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def on_event(self, event: RunEvent) -> None:
        """Something happened in the run: what its model writes is kept, and who waits looks."""
        with self._lock:
            if event.kind == "text" and self._length < _MOST_CHARACTERS:
                self._pieces.append(event.text)
                self._length += len(event.text)
            waiting = list(self._waiting)
        for loop, wake in waiting:
            loop.call_soon_threadsafe(wake.set)

    def since(self, offset: int) -> str:
        """The text behind so many characters."""
        with self._lock:
            if self._length <= offset:
                return ""
            if offset == 0:
                return "".join(self._pieces)
            skipped = 0
            for number, piece in enumerate(self._pieces):
                if skipped + len(piece) > offset:
                    return "".join([piece[offset - skipped :], *self._pieces[number + 1 :]])
                skipped += len(piece)
            return ""

    def watch(self) -> asyncio.Event:
        """An event of this loop that is set whenever something is heard; hand it to `unwatch`."""
        event = asyncio.Event()
        with self._lock:
            self._waiting.add((asyncio.get_running_loop(), event))
        return event

    def unwatch(self, event: asyncio.Event) -> None:
        """Nobody waits for this event any more."""
        with self._lock:
            self._waiting.discard((asyncio.get_running_loop(), event))


class Feeds:
    """The feeds of this process by run_id."""

    def __init__(self) -> None:
        self._feeds: OrderedDict[str, Feed] = OrderedDict()

    def add(self, run_id: str, feed: Feed) -> None:
        """Keep a run's feed; one that is there already stays: a run that is handed in again is not asked again."""
        self._feeds.setdefault(run_id, feed)
        while len(self._feeds) > _KEPT:
            self._feeds.popitem(last=False)

    def find(self, run_id: str) -> Feed | None:
        """A run's feed, None when it was not streamed here, or long ago."""
        return self._feeds.get(run_id)
