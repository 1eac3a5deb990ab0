"""What can be done with a run by its run_id alone, from any process on the same database."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any

from nightdrop import clock
from nightdrop.engine import engine_for, registry, running_engine
from nightdrop.errors import DatabaseRequired, RunNotFound
from nightdrop.portal import portal
from nightdrop.records.run import RunOutput, RunStatus
from nightdrop.store import Database
from nightdrop.store.attempts import cancel
from nightdrop.store.load import load_run, revision_of, statuses
from nightdrop.store.pauses import continue_run
from nightdrop.store.retry import retry_run

_FIRST_LOOK, _LAST_LOOK = 0.05, 0.5  # seconds between looks at a run that other processes execute


class StoredRuns(ABC):
    """Looking up, awaiting, cancelling and continuing runs; none of these starts an engine needlessly."""

    db: Database | None
    spec: Any

    def get_run_output(self, run_id: str, session_id: str | None = None) -> RunOutput:
        """The run as committed now, from any process on the same database. Raises RunNotFound."""
        del session_id  # taken for those who are used to give it; the run_id is enough
        return self._typed(_load(self._database("get_run_output"), run_id))

    async def aget_run_output(self, run_id: str, session_id: str | None = None) -> RunOutput:
        """`get_run_output` for async code."""
        return await asyncio.to_thread(self.get_run_output, run_id, session_id)

    async def await_run(self, run_id: str, timeout: float | None = None) -> RunOutput:
        """The run once it has ended (PAUSED is an end), whichever process executes it.

        Raises TimeoutError after `timeout` seconds (the run goes on), RunNotFound.
        """
        db = self._database("await_run")
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                return self._typed(await _end_of(db, run_id))
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TimeoutError(f"run {run_id} has not ended within {timeout} s; it goes on") from error

    def cancel_run(self, run_id: str) -> bool:
        """Ask a run to stop, from any process: a waiting or paused one never goes on. False when it had ended."""
        return portal().call(self.acancel_run(run_id))

    async def acancel_run(self, run_id: str) -> bool:
        """`cancel_run` for async code."""
        db = self._database("cancel_run")
        engine = running_engine(db)
        if engine is None:
            return await asyncio.to_thread(_cancel, db, run_id)
        await asyncio.to_thread(_load, db, run_id)
        return await portal().bridge(engine.cancel([run_id])) == 1

    def continue_run(self, run_id: str, answer: Any, *, background: bool = False) -> RunOutput:
        """Answer what a PAUSED run asked and wait for its end; see `acontinue_run`."""
        return portal().call(self.acontinue_run(run_id, answer, background=background))

    async def acontinue_run(self, run_id: str, answer: Any, *, background: bool = False) -> RunOutput:
        """Answer what a PAUSED run asked, with JSON data; the same attempt runs again and `pause` returns the answer.

        Waits for its end; returns PENDING at once with background, or when this process has another revision of the
        agent than the run. Raises RunNotPaused, also for the second of two answers, and RunNotFound.
        """
        db = self._database("continue_run")
        revision = await asyncio.to_thread(continue_run, db, run_id, answer)
        return await self._go_on(db, run_id, revision, background)

    def retry_run(self, run_id: str, *, from_step: str | None = None, background: bool = False) -> RunOutput:
        """Try a run again that ended in ERROR or CANCELLED, and wait for its end; see `aretry_run`."""
        return portal().call(self.aretry_run(run_id, from_step=from_step, background=background))

    async def aretry_run(self, run_id: str, *, from_step: str | None = None, background: bool = False) -> RunOutput:
        """Try a run again that ended in ERROR or CANCELLED; what is recorded of a workflow's run is kept.

        from_step: the path of a step: it is done again, and all that was recorded after it; a COMPLETED run is replaced
        by a new one then. Waits as `acontinue_run`. Raises RunNotFound, RunNotEnded, StepNotFound.
        """
        db = self._database("retry_run")
        queued = await asyncio.to_thread(lambda: retry_run(db, run_id, from_step=from_step))
        revision = await asyncio.to_thread(_revision, db, queued.run_id)
        return await self._go_on(db, queued.run_id, revision, background)

    async def _go_on(self, db: Database, run_id: str, revision: str, background: bool) -> RunOutput:
        """Wait for a queued run where this process can execute it; as it is, else."""
        here = registry.find(self.spec.id, revision) is not None
        if not background and here:
            await portal().bridge(engine_for(db))
        engine = running_engine(db)
        if engine is not None:
            portal().loop.call_soon_threadsafe(engine.wake)
        return await self.aget_run_output(run_id) if background or not here else await self.await_run(run_id)

    @abstractmethod
    def _typed(self, run: RunOutput) -> RunOutput:
        """The run with its content as its schema's class, from JSON data."""

    def _database(self, call: str) -> Database:
        if self.db is None:
            raise DatabaseRequired(f'{call}() needs a database: db=SqliteDb("nightdrop.db")')
        return self.db


async def _end_of(db: Database, run_id: str) -> RunOutput:
    """Wait with the engine's own waiters where an engine runs, else by looking, ever more rarely."""
    engine = running_engine(db)
    if engine is not None:
        return await portal().bridge(engine.wait(run_id))
    run = await asyncio.to_thread(_load, db, run_id)
    pause = _FIRST_LOOK
    while run.status.is_open:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LAST_LOOK)
        status = await asyncio.to_thread(_status, db, run_id)
        if status is None or not status.is_open:
            run = await asyncio.to_thread(_load, db, run_id)
    return run


def _load(db: Database, run_id: str) -> RunOutput:
    with db.read() as connection:
        run = load_run(connection, run_id)
    if run is None:
        raise RunNotFound(f"there is no run {run_id!r} in {db.label}")
    return run


def _revision(db: Database, run_id: str) -> str:
    with db.read() as connection:
        return revision_of(connection, run_id)


def _status(db: Database, run_id: str) -> RunStatus | None:
    with db.read() as connection:
        return statuses(connection, [run_id]).get(run_id)


def _cancel(db: Database, run_id: str) -> bool:
    _load(db, run_id)
    return db.transact(lambda c: cancel(c, [run_id], clock.now_ms())) == 1
