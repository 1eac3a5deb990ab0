"""A batch stopped, and gone on with: what is cancelled is tried again, also what is only on its way to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.engine import Engine
from nightdrop.store.batch_control import cancel_batch, is_stopping, resume_batch, try_all_again
from nightdrop.store.batches import is_cancelled

log = logging.getLogger("nightdrop.batch")

_CHUNK = 500  # runs in one transaction
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 30.0  # for runs that stop at their next await; those of a dead process end with its lease


async def cancel_runs(engine: Engine, batch_id: str) -> int:
    """Stop a batch's runs, but for those that another batch waits for. Returns how many were open."""
    open_runs = await engine.desk.write(lambda c: cancel_batch(c, batch_id, clock.now_ms()))
    asked = 0
    for at in range(0, len(open_runs), _CHUNK):
        asked += await engine.cancel_batch_runs(batch_id, open_runs[at : at + _CHUNK])
    return asked


async def resume_runs(engine: Engine, batch_id: str, also: Callable[[sa.Connection], None] | None = None) -> None:
    """Take a batch's cancellation back and queue its cancelled runs again; `also` commits with the first of it.

    A run that was asked to stop and still runs has no next attempt before this one has ended: it is waited for, until
    somebody cancels the batch again.
    """

    def first(connection: sa.Connection) -> tuple[list[str], bool]:
        if also is not None:
            also(connection)
        return resume_batch(connection, batch_id), is_stopping(connection, run_id=None, batch_id=batch_id)

    def more(connection: sa.Connection) -> tuple[list[str], bool]:
        if is_cancelled(connection, batch_id):
            return [], False
        return resume_batch(connection, batch_id), is_stopping(connection, run_id=None, batch_id=batch_id)

    until = clock.monotonic() + _PATIENCE_SECONDS
    cancelled, stopping = await engine.desk.write(first)
    await _try_again(engine, cancelled)
    while stopping and clock.monotonic() < until:
        await asyncio.sleep(_PAUSE_SECONDS)
        cancelled, stopping = await engine.desk.write(more)
        await _try_again(engine, cancelled)
    if stopping:
        log.warning("batch %s: some runs do not stop and are not tried again; resume it once more", batch_id)


async def _try_again(engine: Engine, run_ids: list[str]) -> None:
    for at in range(0, len(run_ids), _CHUNK):
        chunk = run_ids[at : at + _CHUNK]
        await engine.desk.write(partial(try_all_again, run_ids=chunk, now_ms=clock.now_ms()))
    engine.wake()
