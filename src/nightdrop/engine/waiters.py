"""Waiting for runs to end, whoever executes them."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from nightdrop.records.run import RunStatus

log = logging.getLogger("nightdrop.engine")

_FIRST_POLL, _LAST_POLL = 0.05, 0.5  # seconds between looks at runs that another process executes
_CHUNK = 500

ReadStatuses = Callable[[Sequence[str]], Awaitable[dict[str, RunStatus]]]


class Waiters:
    """Who waits for which run. Ends in this process are told at once; others are seen by one shared poll."""

    def __init__(self, read_statuses: ReadStatuses) -> None:
        self._read_statuses = read_statuses
        self._waiting: dict[str, list[asyncio.Future[None]]] = defaultdict(list)
        self._poll: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    @contextmanager
    def expecting(self, run_id: str) -> Iterator[asyncio.Future[None]]:
        """A future that is done when the run has ended after this line, or when it cannot end (then it raises)."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[run_id].append(future)
        if self._poll is None or self._poll.done():
            self._poll = asyncio.create_task(self._watch())
        try:
            yield future
        finally:
            self._drop(run_id, future)

    def is_expected(self, run_id: str) -> bool:
        """Whether somebody in this process waits for this run."""
        return run_id in self._waiting

    def ended(self, run_id: str) -> None:
        """Tell everyone who waits for this run that it has ended."""
        self._ended.set()
        for future in self._waiting.get(run_id, ()):
            if not future.done():
                future.set_result(None)

    def failed(self, run_id: str, error: Exception) -> None:
        """Tell everyone who waits for this run why it cannot end."""
        for future in self._waiting.get(run_id, ()):
            if not future.done():
                future.set_exception(error)

    async def any_end(self, timeout_seconds: float) -> None:
        """Return when some run ended in this process, or after the timeout."""
        self._ended.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):  # wait_for may swallow a cancellation
                await self._ended.wait()

    def _drop(self, run_id: str, future: asyncio.Future[None]) -> None:
        futures = self._waiting[run_id]
        futures.remove(future)
        if not futures:
            del self._waiting[run_id]

    async def _watch(self) -> None:
        pause = _FIRST_POLL
        while self._waiting:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LAST_POLL)
            try:
                await self._look(list(self._waiting))
            except Exception as error:  # noqa: BLE001 - the edge of a loop that outlives a database
                log.warning("could not see whether runs have ended, trying again: %s", error)

    async def _look(self, ids: Sequence[str]) -> None:
        for at in range(0, len(ids), _CHUNK):
            for run_id, status in (await self._read_statuses(ids[at : at + _CHUNK])).items():
                if not status.is_open:
                    self.ended(run_id)
