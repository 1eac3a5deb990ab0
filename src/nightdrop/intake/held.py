"""Messages that this process has received and not acknowledged: kept from being delivered to others meanwhile."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from nightdrop.errors import FileUnreadable, MessageUnreadable, SourceUnreadable
from nightdrop.faults import reach
from nightdrop.intake.messages import DELIVERIES, documents_in
from nightdrop.records.file import File
from nightdrop.records.source import Found

log = logging.getLogger("nightdrop.intake")

HOLD_SECONDS = 60
"""For so long a message is held without being renewed: after a kill, so long until it is delivered again."""

MOST = 1000
"""Messages held at a time; more are received when these are acknowledged."""


@dataclass(slots=True, kw_only=True)
class Message:
    """body: as it came, JSON. receipt: what acknowledges it. deliveries: how often it was delivered."""

    url: str
    body: bytes
    receipt: str
    deliveries: int = 1


@dataclass(slots=True)
class Held:
    """The messages of one queue. renew: holds these for another while, and gives those that are not held any more."""

    renew: Callable[[Sequence[Message]], Sequence[Message]]
    messages: dict[str, Message] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def add(self, message: Message) -> None:
        """Hold it, and renew it from now on."""
        with self._lock:
            self.messages[message.url] = message
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew, name="nightdrop-queue", daemon=True)
                self._thread.start()

    def drop(self, url: str) -> Message | None:
        """Hold it no longer."""
        with self._lock:
            return self.messages.pop(url, None)

    def all(self) -> list[Message]:
        """What is held now."""
        with self._lock:
            return list(self.messages.values())

    def renew_once(self) -> None:
        """Hold everything for another while."""
        held = self.all()
        for gone in self.renew(held) if held else ():
            self.drop(gone.url)

    def _renew(self) -> None:
        while not self._stop.wait(HOLD_SECONDS / 3):
            try:
                self.renew_once()
            except Exception as error:  # noqa: BLE001 - an edge: each client raises its own; the next try may go well
                log.warning("messages could not be held for longer: %s", error)


class Line(Protocol):
    """One queue that this process has opened. broken: what its client raises when the server cannot be asked."""

    held: Held
    broken: tuple[type[Exception], ...]

    def receive(self) -> None:
        """Hold what nobody else holds, up to MOST."""

    def acknowledge(self, version: str, message: Message | None) -> None:
        """Say that a message is done with. message: None when this process does not hold it."""


class MessageQueue:
    """A `Queue`. open_line: opens what a URL names. A message's URL ends with `#` and its id."""

    def __init__(self, open_line: Callable[[str], Line]) -> None:
        self._open_line = open_line
        self._open: dict[str, tuple[int, Line]] = {}
        self._lock = threading.Lock()

    def list(self, url: str) -> Iterator[Found]:
        """The messages that this process holds, with those it takes now."""
        line = self._line(url)
        try:
            line.receive()
        except line.broken as error:
            raise SourceUnreadable(f"{url} cannot be asked: {type(error).__name__}: {error}") from error
        held = line.held.all()
        return iter([Found(url=m.url, version=m.url.partition("#")[2], size=len(m.body)) for m in held])

    def named(self, url: str) -> Sequence[File]:
        """What a held message names."""
        message = self._line(url).held.messages.get(url)
        if message is None:
            raise MessageUnreadable(f"{url} is not held by this process")
        return documents_in(message.body)

    def is_last_try(self, url: str) -> bool:
        """Whether it was delivered five times."""
        message = self._line(url).held.messages.get(url)
        return message is not None and message.deliveries >= DELIVERIES

    def let_go(self, url: str) -> None:
        """Renew it no more."""
        self._line(url).held.drop(url)

    def read(self, url: str, max_bytes: int, size: int | None = None) -> bytes:
        """A message is no document."""
        del max_bytes, size
        raise FileUnreadable(f"{url} is a message, not a document")

    def put_away(self, url: str, version: str, after: str, name: str) -> bool:
        """Acknowledge a message; doing it again changes nothing."""
        del after, name
        line = self._line(url)
        try:
            line.acknowledge(version, line.held.messages.get(url))
        except line.broken as error:
            log.warning("%s: it cannot be acknowledged now: %s", url, error)
            return False
        line.held.drop(url)
        reach("after.done")
        return True

    def _line(self, url: str) -> Line:
        place = url.partition("#")[0]
        with self._lock:
            if place not in self._open or self._open[place][0] != os.getpid():
                self._open[place] = os.getpid(), self._open_line(place)
            return self._open[place][1]
