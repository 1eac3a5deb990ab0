"""Running a batch in the foreground: progress while it lasts, Ctrl-C within two seconds, nothing lost."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import click
from rich.console import Console

from nightdrop.batch import BatchCall, documents_of, open_batch_for
from nightdrop.cli.errors import INTERRUPTED
from nightdrop.cli.paused import Paused
from nightdrop.cli.progress import Display, completed, cost_words, display_for
from nightdrop.engine import engine_for
from nightdrop.errors import WorkersFailed
from nightdrop.portal import portal
from nightdrop.public.batch import Batch
from nightdrop.public.runnable import Runnable
from nightdrop.records.batch import BatchProgress
from nightdrop.sinks.row import result_row
from nightdrop.store import Database
from nightdrop.store.batches import items_after
from nightdrop.store.load import load_runs
from nightdrop.webhooks import Courier
from nightdrop.worker import Quarantine, Supervisor

_POLL_SECONDS = 0.25
_PAGE = 500
_TELL_SECONDS = 15.0  # for what webhooks are to be told at the end
_END_SECONDS = 30.0  # for runs that somebody has answered, or tried again, as the batch came to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Who executes a batch. processes: 1 for this process itself, else so many worker processes of `command`, which
    loads the same agent (None: nothing can, and suspects run here). concurrency: runs at a time in each."""

    command: list[str] | None = None
    processes: int = 1
    concurrency: int | None = None
    quiet: bool = False


def run_batch(runnable: Runnable, db: Database, call: BatchCall, crew: Crew) -> Batch:
    """Run a batch to its end with its progress on stderr; this process executes only this batch."""
    console = Console(stderr=True)
    quarantine = None if crew.command is None else Quarantine(crew.command)

    async def begin() -> Batch:
        files = await documents_of(call)  # before the database is made: a typo leaves nothing behind
        engine = await engine_for(
            db,
            concurrency=crew.concurrency,
            own_batches=True,
            quarantine=None if quarantine is None else quarantine.ensure,
        )
        batch_id = await open_batch_for(engine, call)
        return Batch(engine, batch_id, runnable._typed, call, files, executes_here=crew.processes == 1)

    with _interruptible(console):
        batch = portal().call(begin())
        courier = portal().call(_courier(db))
        workers = _workers(crew, batch.id)
        display = display_for(console, crew.quiet)
        try:
            _watch(batch, db, workers, display)
        finally:
            display.close()
            if quarantine is not None:
                quarantine.stop(db)
            if workers is not None:
                workers.stop()
        portal().call(_finish(db, courier))
    return batch


async def _finish(db: Database, courier: Courier) -> None:
    """Take up nothing more, so that leaving cuts nothing off, and tell who is to be told."""
    await (await engine_for(db)).drain(_END_SECONDS)
    await courier.finish(_TELL_SECONDS)


async def _courier(db: Database) -> Courier:
    """Tells webhooks while the batch lasts: where `nightdrop run` is all that runs, nobody else would."""
    courier = Courier(await engine_for(db))
    courier.start()
    return courier


def _watch(batch: Batch, db: Database, workers: Supervisor | None, display: Display) -> None:
    told = Paused(db)
    while True:
        display.show(batch.progress())
        for line in told.news():
            display.say(line)
        if workers is not None and not workers.look():
            raise WorkersFailed("the worker processes cannot load what this process has loaded: see above")
        try:
            display.show(batch.wait(timeout=_POLL_SECONDS))
            return
        except TimeoutError:
            continue


def _workers(crew: Crew, batch_id: str) -> Supervisor | None:
    if crew.processes == 1 or crew.command is None:
        return None
    command = [*crew.command, "--batch", batch_id, "--drain-timeout", "0"]
    if crew.concurrency is not None:
        command += ["--concurrency", str(crew.concurrency)]
    workers = Supervisor(command, crew.processes, 0)
    workers.start()
    return workers


def batch_rows(db: Database, batch_id: str) -> Iterator[dict[str, Any]]:
    """The batch's result rows in the order of its source, a page at a time."""
    position = 0
    while True:
        with db.read() as connection:
            page = items_after(connection, batch_id, position, _PAGE)
            runs = load_runs(connection, [run_id for _, run_id, _ in page])
        files = {run_id: file for _, run_id, file in page}
        for run in runs:
            yield result_row(run, files[run.run_id], batch_id)
        if not page:
            return
        position = page[-1][0]


def summary(state: BatchProgress) -> str:
    """One line for a person: what came out."""
    return (
        f"{state.total} documents: {completed(state)} completed, {state.failed} failed, "
        f"{state.skipped} skipped (known already), {cost_words(state.cost)}"
    )


@contextmanager
def _interruptible(console: Console) -> Iterator[None]:
    """Ctrl-C and SIGTERM hand the open runs back and leave at once; the same command continues."""

    def stop(signum: int, _frame: FrameType | None) -> None:
        signal.signal(signum, signal.SIG_IGN)
        raise _Stopped(signum)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Stopped as stopped:
        _leave(console, stopped.signum)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stopped(BaseException):
    """A signal asked this command to stop."""

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(signum)


def _leave(console: Console, signum: int) -> None:
    from nightdrop.engine import abandon_engine

    abandon_engine()
    console.show_cursor(True)
    click.echo("\nStopped. Nothing is lost: run the same command again to continue.", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED if signum == signal.SIGINT else 128 + signum)  # no thread is waited for
