"""Watching in the foreground: an engine, the watch, what is told of both, and the way to stop."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import click
from rich.console import Console
from rich.status import Status

from nightdrop import clock
from nightdrop.cli.errors import INTERRUPTED
from nightdrop.cli.paused import Paused
from nightdrop.cli.progress import cost_words
from nightdrop.engine import Engine, abandon_engine, engine_for
from nightdrop.portal import portal
from nightdrop.sinks.deliver import Deliverer
from nightdrop.store import Database
from nightdrop.watch import RowsFile, WatchCall, Watcher
from nightdrop.webhooks import Courier
from nightdrop.worker import Quarantine

_LOOK_SECONDS = 0.25
_LINE_SECONDS = 5.0
_TELL_SECONDS = 15.0  # for what webhooks are to be told at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What one watch has to do, and how it is shown. command: loads the same, for suspects."""

    call: WatchCall
    rows: RowsFile | None
    command: list[str]
    concurrency: int | None
    drain_seconds: float
    as_json: bool
    quiet: bool


def watch_until_stopped(db: Database, duty: Duty) -> int:
    """Watch until a signal, or with `once` until all has ended; returns how many documents failed meanwhile."""
    quarantine = Quarantine(duty.command)
    screen = _Screen(duty)

    async def begin() -> tuple[Engine, Watcher, Courier, Deliverer]:
        engine = await engine_for(db, concurrency=duty.concurrency, quarantine=quarantine.ensure)
        courier, deliverer = Courier(engine), Deliverer(engine)
        courier.start()
        deliverer.start()
        return engine, Watcher(engine, duty.call, screen, duty.rows), courier, deliverer

    async def end(engine: Engine, watcher: Watcher, courier: Courier, deliverer: Deliverer) -> None:
        await engine.drain(duty.drain_seconds)
        await watcher.close()
        await deliverer.stop()
        await courier.finish(_TELL_SECONDS)

    engine, watcher, courier, deliverer = portal().call(begin())
    try:
        with _signals(watcher):
            _wait(portal().start(watcher.run()), watcher, screen, Paused(db))
            screen.ending()
            portal().call(end(engine, watcher, courier, deliverer))
        screen.ended(watcher)
    finally:
        quarantine.stop(db)
        screen.close()
        if duty.rows is not None:
            duty.rows.close()
    return watcher.results.failed


def _wait(running: Future[None], watcher: Watcher, screen: _Screen, paused: Paused) -> None:
    screen.event("watching", source=screen.source)
    while True:
        try:
            running.result(timeout=_LOOK_SECONDS)
            return
        except TimeoutError:
            if running.done():
                raise  # of the watch itself
        for line in paused.news():
            screen.say(line)
        screen.show(watcher, portal().call(watcher.results.open()))


@contextmanager
def _signals(watcher: Watcher) -> Iterator[None]:
    """The first signal lets what runs end, the second leaves at once; nothing is lost either way."""
    asked = threading.Event()

    def stop(signum: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            abandon_engine()
            os._exit(INTERRUPTED if signum == signal.SIGINT else 128 + signum)
        asked.set()
        portal().loop.call_soon_threadsafe(watcher.stop)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Screen:
    """What is told: events as JSON on stdout, or lines and a status for a person on stderr."""

    def __init__(self, duty: Duty) -> None:
        self._as_json = duty.as_json
        self._quiet = duty.quiet or duty.as_json
        self.source = duty.call.payload.files or ""
        console = Console(stderr=True)
        self._status = None if self._quiet or not console.is_terminal else Status("", console=console)
        if self._status is not None:
            self._status.start()
        self._last = clock.monotonic()
        self._shown = ""

    def event(self, name: str, **facts: Any) -> None:
        """Something has happened."""
        if self._as_json:
            print(json.dumps({"event": name, **facts}, ensure_ascii=False), flush=True)  # noqa: T201
        elif name == "watching":
            self.say(f"Watching {self.source}. Stop with Ctrl-C.")
        elif name == "source_gone":
            self.say(f"{self.source} cannot be listed: {facts['error']}. Next look in {facts['again_in']:.0f} s.")
        elif name == "source_back":
            self.say(f"{self.source} is there again.")

    def result(self, row: Mapping[str, Any]) -> None:
        """A document has ended."""
        if self._as_json:
            self.event("result", **row)

    def say(self, text: str) -> None:
        """A line for a person."""
        if self._quiet:
            return
        if self._status is not None:
            self._status.console.print(text, markup=False, highlight=False)
        else:
            click.echo(text, err=True)

    def show(self, watcher: Watcher, still_open: int) -> None:
        """The counts, when they have changed."""
        text = f"{_counts(watcher)}, {still_open} open"
        if self._status is not None:
            self._status.update(text)
        elif text != self._shown and clock.monotonic() - self._last >= _LINE_SECONDS:
            self._last, self._shown = clock.monotonic(), text
            self.say(text)

    def ending(self) -> None:
        """No more is taken in."""
        if self._status is not None:
            self._status.update("Stopping when what runs has ended. Ctrl-C again leaves at once.")

    def close(self) -> None:
        """Show no more."""
        if self._status is not None:
            self._status.stop()
        sys.stdout.flush()

    def ended(self, watcher: Watcher) -> None:
        """The last line."""
        results = watcher.results
        if self._as_json:
            cost = None if results.cost is None else format(results.cost, "f")
            self.event("stopped", done=results.done, failed=results.failed, cost=cost)
        else:
            self.say(f"{_counts(watcher)}. Nothing is lost: the same command goes on.")


def _counts(watcher: Watcher) -> str:
    results = watcher.results
    return f"{results.done} done, {results.failed} failed, {cost_words(results.cost)}"
