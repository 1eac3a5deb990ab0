"""The quarantine: a child process that runs suspects one at a time, so that only the guilty one can be hurt."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Sequence

from nightdrop.engine import disown_children
from nightdrop.errors import NightdropError
from nightdrop.store import Database

_STOP_SECONDS = 20  # it leaves by itself in less

log = logging.getLogger("nightdrop.worker")


class Quarantine:
    """Starts the child when there is something for it; the child ends by itself when nothing is left.

    command: the worker command that loads the same agents. Its death is noticed by the lease like every other; since
    this process lives, it counts as the document's doing.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._child: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def ensure(self, batches: Sequence[str | None]) -> None:
        """See to it that the child runs, for these batches (None: any)."""
        if self._stopped or (self._child is not None and self._child.poll() is None):
            return
        named = [part for batch in batches if batch is not None for part in ("--batch", batch)]
        command = [*self._command, "--role", "quarantine", *named]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def stop(self, db: Database) -> None:
        """End the child; what it runs is handed back, and if it has to be killed, not counted against."""
        self._stopped = True
        child = self._child
        if child is None or child.poll() is not None:
            return
        if child.stdin is not None:
            child.stdin.close()  # it leaves at once
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            try:
                disown_children(db)
            except NightdropError as error:
                log.warning("the end of the quarantine counts against what it runs: %s", error)
            child.kill()
            child.wait()
