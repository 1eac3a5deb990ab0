"""The engine of this process: one at a time, since DBOS allows one instance per process."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Callable, Sequence

from nightdrop.documents.pool import ReaderPool
from nightdrop.engine.engine import Engine, EngineOptions
from nightdrop.engine.identity import Role
from nightdrop.engine.registry import Registry
from nightdrop.errors import DatabaseConflict
from nightdrop.portal import portal
from nightdrop.settings import load_settings
from nightdrop.store import Database

registry = Registry()
"""Every agent this process has loaded."""

_engine: Engine | None = None
_forked_while_running = False
_starting: asyncio.Lock | None = None
_reader: ReaderPool | None = None


def reader_pool() -> ReaderPool:
    """The child processes that read documents, shared by everything in this process."""
    global _reader
    if _reader is None:
        settings = load_settings()
        _reader = ReaderPool(
            settings.reader_processes or None,
            timeout_seconds=settings.reader_timeout_seconds,
            memory_mb=settings.reader_memory_mb,
        )
    return _reader


async def engine_for(
    db: Database,
    *,
    concurrency: int | None = None,
    own_batches: bool = False,
    role: Role = "process",
    quarantine: Callable[[Sequence[str | None]], None] | None = None,
) -> Engine:
    """The running engine of this database, started on first use; call on the portal's loop.

    The options are those of the first call (see EngineOptions).

    Raises DatabaseConflict while this process runs on another database.
    """
    global _engine, _starting
    if _starting is None:
        _starting = asyncio.Lock()
    if _forked_while_running:
        raise DatabaseConflict(
            "this process was forked from one that runs nightdrop on a database, and threads do not survive that: "
            "start processes with the spawn method, or fork before the first run"
        )
    async with _starting:
        if _engine is not None:
            if _engine.db.label != db.label:
                raise DatabaseConflict(
                    f"this process runs on {_engine.db.label} and cannot run on {db.label} too: "
                    "close the first with db.close(), or use a second process"
                )
            return _engine
        options = EngineOptions(
            concurrency=concurrency,
            lease_seconds=load_settings().lease_seconds,
            own_batches=own_batches,
            role=role,
            quarantine=quarantine,
        )
        engine = Engine(db, registry, reader_pool(), options)
        await engine.start()
        _engine = engine
        db.before_close.append(close_engine)
        return engine


def running_engine(db: Database) -> Engine | None:
    """The engine that runs in this process on this database, None when there is none: nothing is started."""
    engine = _engine
    return engine if engine is not None and engine.db.label == db.label else None


def close_engine() -> None:
    """Stop this process's engine, if one runs; its open runs go back to the queue."""
    global _engine, _starting
    engine, _engine, _starting = _engine, None, None
    if engine is not None:
        portal().call(engine.stop())


def abandon_engine() -> None:
    """Leaving the process waits for nothing: open runs are handed back, their work goes on elsewhere."""
    if _engine is not None:
        logging.getLogger("dbos").setLevel(logging.CRITICAL + 1)  # about threads that are gone
        _engine.abandon()


# Thread pools stop before atexit functions run, and what they refuse then must not look like a failed run: hand the
# runs back first. Registered after concurrent.futures, so called before it.
getattr(threading, "_register_atexit", atexit.register)(abandon_engine)


def _after_fork() -> None:
    """A forked child has none of its parent's threads: it gets readers of its own, and no engine."""
    global _engine, _starting, _reader, _forked_while_running
    _forked_while_running = _forked_while_running or _engine is not None
    _engine, _starting, _reader = None, None, None


os.register_at_fork(after_in_child=_after_fork)
