"""The supervisor: starts worker processes, starts those again that die, and stops them in order."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from types import FrameType

from nightdrop import clock

log = logging.getLogger("nightdrop.worker")

_BAD_CALL = 2
_TICK_SECONDS = 0.1
_SHORT_LIFE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 30.0
_GRACE_SECONDS = 10.0  # beyond the drain timeout, for handing back and closing


class Supervisor:
    """Keeps `processes` children of one command alive until it is told to stop.

    A child that dies is started again, after a pause that doubles while it dies young; one that says that the call
    is wrong (exit code 2) ends them all. Where there is a process for every core, each is pinned to one: several
    busy interpreters on all cores lose half their time to each other.
    """

    def __init__(self, command: Sequence[str], processes: int, drain_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self._slots = [_Slot(list(command), core) for core in _cores(processes)]
        self._stop = threading.Event()
        self._signals = 0

    def start(self) -> None:
        """Start every child."""
        for slot in self._slots:
            slot.start()

    def run(self) -> int:
        """Until SIGTERM or SIGINT. Returns the exit code: 0 after an orderly stop, 2 when the call is wrong."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self.start()
        right = True
        while right and not self._stop.wait(_TICK_SECONDS):
            right = self.look()
        self.stop()
        return 0 if right else _BAD_CALL

    def look(self) -> bool:
        """Start again who has died. False: the call itself is wrong, and starting again cannot help."""
        return all([slot.look() for slot in self._slots])

    def stop(self) -> None:
        """Tell every child to drain, wait for that, and kill who does not end in time (or at the second signal)."""
        for slot in self._slots:
            slot.terminate()
        deadline = clock.monotonic() + self._drain_seconds + _GRACE_SECONDS
        pause = threading.Event()
        while any(slot.lives for slot in self._slots) and clock.monotonic() < deadline and self._signals < 2:
            pause.wait(_TICK_SECONDS)
        for slot in self._slots:
            slot.kill()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        self._stop.set()


class _Slot:
    """One child and its successors."""

    def __init__(self, command: list[str], core: int | None) -> None:
        self._command = command
        self._core = core
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = _FIRST_PAUSE_SECONDS
        self._again_at: float | None = None

    def start(self) -> None:
        self._started, self._again_at = clock.monotonic(), None
        # standard input tells the child when this process is gone; a session of its own keeps Ctrl-C for us
        self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)
        if self._core is not None:
            os.sched_setaffinity(self._child.pid, {self._core})

    @property
    def lives(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def look(self) -> bool:
        if self._child is None or self.lives:
            return True
        if self._child.returncode == _BAD_CALL:
            return False
        now = clock.monotonic()
        if self._again_at is None:
            young = now - self._started < _SHORT_LIFE_SECONDS
            self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS) if young else _FIRST_PAUSE_SECONDS
            self._again_at = now + self._pause
            log.warning(
                "worker process %d ended with %d, starting another in %.1f s",
                self._child.pid,
                self._child.returncode,
                self._pause,
            )
        if now >= self._again_at:
            self.start()
        return True

    def terminate(self) -> None:
        if self._child is not None and self.lives:
            self._child.terminate()

    def kill(self) -> None:
        if self._child is None:
            return
        if self.lives:
            self._child.kill()
        self._child.wait()


def _cores(processes: int) -> list[int | None]:
    """A core for each process, None where they are not pinned."""
    if not hasattr(os, "sched_getaffinity"):
        return [None] * processes
    cores = sorted(os.sched_getaffinity(0))
    if processes < len(cores) or len(cores) == 1:
        return [None] * processes
    return [cores[number % len(cores)] for number in range(processes)]
