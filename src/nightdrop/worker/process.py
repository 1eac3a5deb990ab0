"""One worker process: an engine that executes until it is told to stop, then drains."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from nightdrop import clock
from nightdrop.engine import Engine, Role, engine_for
from nightdrop.portal import portal
from nightdrop.store import Database
from nightdrop.worker.quarantine import Quarantine

_TICK_SECONDS = 0.2
_QUARANTINE_IDLE_SECONDS = 3.0
_CLOSE_SECONDS = 5.0

log = logging.getLogger("nightdrop.worker")


def work(
    db: Database,
    *,
    concurrency: int | None,
    drain_seconds: float,
    role: Role = "worker",
    batches: Sequence[str] = (),
    quarantine: Quarantine | None = None,
) -> None:
    """Execute queued runs of the loaded agents until SIGTERM, SIGINT or the end of standard input; then drain.

    batches: only runs of these. role "quarantine": suspects only, one at a time; ends by itself when none is left.
    """
    stop = _Stop()
    engine = portal().call(
        engine_for(
            db,
            concurrency=1 if role == "quarantine" else concurrency,
            own_batches=bool(batches),
            role=role,
            quarantine=None if quarantine is None else quarantine.ensure,
        )
    )
    for batch_id in batches:
        portal().loop.call_soon_threadsafe(engine.adopt, batch_id)
    _wait(engine, stop, ends_when_idle=role == "quarantine")
    if quarantine is not None:
        quarantine.stop()
    if not stop.at_once:
        portal().call(engine.drain(drain_seconds))
    _close(db, engine)


def _close(db: Database, engine: Engine) -> None:
    """Close the database. What runs has been handed back by then or is handed back here: nothing is waited for long."""
    closing = threading.Thread(target=db.close, name="nightdrop-closing", daemon=True)
    closing.start()
    closing.join(_CLOSE_SECONDS)
    if closing.is_alive():
        log.warning("the engine does not stop: this process hands back what it has and leaves")
        engine.abandon()
        os._exit(0)


class _Stop:
    """Set by SIGTERM or SIGINT; `at_once` by the end of standard input: whoever started this process is gone."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.at_once = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        threading.Thread(target=self._watch, name="nightdrop-parent", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether it was asked to stop, waiting so many seconds for it."""
        return self._asked.wait(seconds)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked.set()

    def _watch(self) -> None:
        while os.read(sys.stdin.fileno(), 1024):  # nobody writes: this returns when the other end is closed
            continue
        self.at_once = not self._asked.is_set()
        self._asked.set()


def _wait(engine: Engine, stop: _Stop, *, ends_when_idle: bool) -> None:
    idle_since = clock.monotonic()
    while not stop.wait(_TICK_SECONDS):
        if not engine.is_idle:
            idle_since = clock.monotonic()
        elif ends_when_idle and clock.monotonic() - idle_since > _QUARANTINE_IDLE_SECONDS:
            return
