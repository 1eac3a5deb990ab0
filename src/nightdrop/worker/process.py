"""One worker process: an engine that executes until it is told to stop, then drains."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from nightdrop import clock
from nightdrop.engine import Engine, Role, engine_for
from nightdrop.portal import portal
from nightdrop.records.webhook import Webhook
from nightdrop.schedules import Scheduler
from nightdrop.sinks.deliver import Deliverer
from nightdrop.store import Database
from nightdrop.webhooks import Courier
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
    scheduler: bool = False,
    webhooks: Sequence[Webhook] = (),
) -> None:
    """Execute queued runs of the loaded agents until SIGTERM, SIGINT or the end of standard input; then drain.

    batches: only runs of these. role "quarantine": suspects only, one at a time; ends by itself when none is left.
    scheduler: fire the database's schedules too. webhooks: made or changed in the database first; a process that
    works for everyone sends what is due to any.
    """
    stop = _Stop(drain_seconds + 2 * _CLOSE_SECONDS)
    db.webhooks.register(webhooks)
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
    for_everyone = role == "worker" and not batches
    beside: list[Scheduler | Courier | Deliverer] = [Scheduler(engine)] if scheduler and for_everyone else []
    if for_everyone:
        beside += [Courier(engine), Deliverer(engine)]
    for one in beside:
        portal().loop.call_soon_threadsafe(one.start)
    _wait(engine, stop, ends_when_idle=role == "quarantine")

    def end() -> None:
        for one in beside:
            if not stop.at_once:
                portal().call(one.stop())
        if quarantine is not None:
            quarantine.stop(db)
        if not stop.at_once:
            portal().call(engine.drain(drain_seconds))
        db.close()

    _within(drain_seconds + _CLOSE_SECONDS, end, engine)


def _within(seconds: float, end: Callable[[], None], engine: Engine) -> None:
    """Come to an end, or hand back what runs and leave: also when user code keeps the event loop to itself."""
    ending = threading.Thread(target=end, name="nightdrop-closing", daemon=True)
    ending.start()
    ending.join(seconds)
    if ending.is_alive():
        log.warning("the engine does not stop: this process hands back what it has and leaves")
        engine.abandon()
        os._exit(0)


class _Stop:
    """Set by SIGTERM or SIGINT; `at_once` by the end of standard input: whoever started this process is gone.

    Then it leaves for sure within so many seconds, also when it hangs in its start or in its drain.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
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
        threading.Event().wait(self._seconds)
        log.warning("this process does not come to its end: it leaves, and its lease will run out")
        os._exit(1)


def _wait(engine: Engine, stop: _Stop, *, ends_when_idle: bool) -> None:
    idle_since = clock.monotonic()
    while not stop.wait(_TICK_SECONDS):
        if not engine.is_idle:
            idle_since = clock.monotonic()
        elif ends_when_idle and clock.monotonic() - idle_since > _QUARANTINE_IDLE_SECONDS:
            return
