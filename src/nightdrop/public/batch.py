"""The Batch handle: results as they finish, progress, wait, cancel, resume."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

from nightdrop.batch import BatchCall, accept_batch, documents_of, listing_of, stream_results
from nightdrop.batch.control import cancel_runs, resume_runs
from nightdrop.engine import Engine
from nightdrop.errors import BatchNotFound
from nightdrop.intake.listing import Entry
from nightdrop.portal import portal
from nightdrop.public.stepped import END, close, step, stepped
from nightdrop.records.batch import BatchProgress
from nightdrop.records.run import RunOutput
from nightdrop.store import batches as rows

_CHUNK = 500
_POLL_SECONDS = 0.25


class Results:
    """Results of a batch, once each: iterate with `for` in sync code or `async for` in async code."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def __iter__(self) -> Iterator[RunOutput]:
        with contextlib.closing(stepped(self._batch._finished())) as found:
            for _, run in found:
                yield run

    async def __aiter__(self) -> AsyncIterator[RunOutput]:
        stream = self._batch._finished()
        try:
            while (found := await portal().bridge(step(stream))) is not END:
                yield found[1]
        finally:
            await portal().bridge(close(stream))


class Batch:
    """One source of documents on its way. `id` finds it again from any process (`nightdrop batches show ID`)."""

    def __init__(
        self,
        engine: Engine,
        batch_id: str,
        typed: Callable[[RunOutput], RunOutput],
        call: BatchCall,
        files: Iterator[Entry],
        *,
        executes_here: bool = True,
    ) -> None:
        self.id = batch_id
        self._engine = engine
        self._typed = typed
        self._call = call
        if executes_here:
            engine.adopt(batch_id)
        self._source = listing_of(engine, call, files)
        self._accepting = asyncio.create_task(accept_batch(engine, batch_id, call, self._source))

    def __repr__(self) -> str:
        return f"Batch(id={self.id!r})"

    def __len__(self) -> int:
        """How many documents the source names; waits until it is listed to its end."""
        return portal().call(self._length())

    def results(self) -> Results:
        """Each distinct document's run once it has ended, failed ones too."""
        return Results(self)

    def progress(self) -> BatchProgress:
        """How far it is, counted from the database."""
        with self._engine.db.read() as connection:
            found = rows.load_batch(connection, self.id)
        if found is None:
            raise BatchNotFound(f"there is no batch {self.id!r} in {self._engine.db.label}")
        return found

    async def aprogress(self) -> BatchProgress:
        """`progress` for async code."""
        return await asyncio.to_thread(self.progress)

    def wait(self, timeout: float | None = None) -> BatchProgress:
        """Wait until every document has ended; TimeoutError after `timeout` seconds."""
        return portal().call(self._wait(timeout))

    async def await_done(self, timeout: float | None = None) -> BatchProgress:
        """`wait` for async code."""
        return await portal().bridge(self._wait(timeout))

    def cancel(self) -> int:
        """Stop it: what waits never starts, what runs stops at its next await. Returns how many were open."""
        return portal().call(self._cancel())

    async def acancel(self) -> int:
        """`cancel` for async code."""
        return await portal().bridge(self._cancel())

    def resume(self) -> Batch:
        """Continue after `cancel` or an interrupted listing: what was cancelled is tried again."""
        portal().call(self._resume())
        return self

    async def aresume(self) -> Batch:
        """`resume` for async code."""
        await portal().bridge(self._resume())
        return self

    def __bool__(self) -> bool:
        return True  # not its length: asking that waits until the source is listed

    async def _finished(self) -> AsyncGenerator[tuple[str, RunOutput]]:
        """(file, run) of each distinct document once it has ended; iterate `results()`, which works on any loop."""
        async for file, run in stream_results(self._engine, self.id, self._is_accepted):
            yield file, self._typed(run)
        await self._accepted()

    async def _is_accepted(self) -> bool:
        return self._accepting.done()

    async def _accepted(self) -> None:
        """Wait until the source is listed, or its listing was cancelled. An error of the source is raised here."""
        await asyncio.wait([self._accepting])
        if not self._accepting.cancelled():
            self._accepting.result()

    async def _length(self) -> int:
        await self._accepted()
        return (await self.aprogress()).total

    async def _wait(self, timeout: float | None) -> BatchProgress:
        async with asyncio.timeout(timeout):
            await self._accepted()
            while True:
                progress = await self.aprogress()
                if progress.done == progress.total:
                    return progress
                await self._engine.waiters.any_end(_POLL_SECONDS)

    async def _cancel(self) -> int:
        self._accepting.cancel()
        await asyncio.gather(self._accepting, return_exceptions=True)
        return await cancel_runs(self._engine, self.id)

    async def _resume(self) -> None:
        await resume_runs(self._engine, self.id)
        if self._accepting.done() and not self._listed():
            if isinstance(self._call.source, Iterator):  # cannot be listed again: go on where it stopped
                await asyncio.to_thread(self._source.rewind)
            else:
                self._source = listing_of(self._engine, self._call, await documents_of(self._call))
            self._accepting = asyncio.create_task(accept_batch(self._engine, self.id, self._call, self._source))

    def _listed(self) -> bool:
        return not self._accepting.cancelled() and self._accepting.exception() is None
