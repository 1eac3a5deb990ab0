"""One call of an agent or a workflow from its arguments to its end: documents taken, the run
accepted, executed, waited for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nightdrop.documents.kinds import IMAGES, OFFICE, PDF
from nightdrop.documents.opened import check_readable, opened_once
from nightdrop.documents.pool import ReaderPool
from nightdrop.engine import Engine, engine_for, reader_pool, registry
from nightdrop.errors import DatabaseRequired, UsageError
from nightdrop.intake.take import Taken, take_file
from nightdrop.portal import portal
from nightdrop.records.document import NewDocument
from nightdrop.records.event import RunEvent
from nightdrop.records.file import File
from nightdrop.records.request import Accepted, Once, RunRequest
from nightdrop.records.run import RunOutput
from nightdrop.settings import load_settings
from nightdrop.store import Database

if TYPE_CHECKING:
    from nightdrop.public.runnable import Runnable

_ANY = 1_000_000_000  # pages: only a single one is measured
_OPENED = {PDF} | OFFICE | IMAGES
Files = Sequence[File | str | os.PathLike[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCall:
    """What `run(...)` was called with."""

    input: str
    files: Files
    session_id: str | None
    user_id: str | None
    background: bool
    rerun: bool
    metadata: dict[str, Any] = field(default_factory=dict)
    once: Once | None = None


async def execute(runnable: Runnable, call: RunCall, on_event: Callable[[RunEvent], None] | None = None) -> RunOutput:
    """The run's end (with background: as accepted). InputError and UsageError come before anything is stored."""
    db = runnable.db
    if call.background and db is None:
        raise DatabaseRequired('background=True needs a database: db=SqliteDb("nightdrop.db")')
    runnable.check()
    spec = runnable.spec
    taken = await _take(call.files, measured=any(not agent.is_local for agent in runnable._agents))
    runnable._check_documents(taken)
    request = RunRequest(
        subject=spec.subject,
        message=call.input,
        files=tuple(t.ref for t in taken),
        session_id=call.session_id,
        user_id=call.user_id,
        metadata=call.metadata,
        rerun=call.rerun,
        cache=spec.cache,
        once=call.once,
    )
    if db is None:
        return await portal().bridge(runnable._in_memory(request, taken, on_event))
    return await portal().bridge(_durable(runnable, db, request, taken, call.background, on_event))


async def stream(runnable: Runnable, call: RunCall) -> AsyncGenerator[RunEvent | RunOutput]:
    """Events as they happen, the RunOutput last. Leaving the iteration early cancels the run."""
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[RunEvent | None] = asyncio.Queue()

    def on_event(event: RunEvent) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    running = asyncio.create_task(execute(runnable, call, on_event))
    running.add_done_callback(lambda _: events.put_nowait(None))
    try:
        yield RunEvent(kind="started")
        while (event := await events.get()) is not None:
            yield event
        yield await running
    finally:
        running.cancel()


async def _take(files: Files, *, measured: bool) -> list[Taken]:
    if isinstance(files, str | os.PathLike | File):
        raise UsageError(f"files= takes a list: give files=[{files!r}]")
    max_bytes = load_settings().max_file_bytes
    given = [f if isinstance(f, File) else File(filepath=f) for f in files]
    taken = list(await asyncio.gather(*[asyncio.to_thread(take_file, f, max_bytes) for f in given]))
    await _inspect(taken, reader_pool(), measured=measured)
    return taken


async def _inspect(taken: Sequence[Taken], reader: ReaderPool, *, measured: bool) -> None:
    """Open what has an inside, so that an encrypted or damaged one is refused before anything is stored.

    measured: how long a PDF of one page is, which a model will be asked about, is found at the same time.
    """
    for t in taken:
        if t.ref.mime_type in _OPENED and t.content is not None:
            check_readable(len(t.content), t.ref.filename)
    await asyncio.gather(
        *[
            opened_once(
                reader,
                t.read,
                t.ref.mime_type,
                t.ref.sha256,
                surely_fits_pages=_ANY if measured and t.ref.mime_type == PDF else None,
            )
            for t in taken
            if t.ref.mime_type in _OPENED and t.content is not None and t.ref.sha256 is not None
        ]
    )


async def _durable(
    runnable: Runnable,
    db: Database,
    request: RunRequest,
    taken: list[Taken],
    background: bool,
    on_event: Callable[[RunEvent], None] | None,
) -> RunOutput:
    registry.add(runnable.spec)
    engine = await engine_for(db)
    accepted = await _accept_or_withdraw(engine, request, [t.document for t in taken if t.document], on_event)
    taken.clear()  # the bytes are stored: who waits for a model does not hold them too
    try:
        run = await (engine.load(accepted.run_id) if background else _wait_or_cancel(engine, accepted))
    finally:
        if not background:
            engine.unlisten(accepted.run_id)
    return runnable._typed(run)


async def _accept_or_withdraw(
    engine: Engine,
    request: RunRequest,
    documents: Sequence[NewDocument],
    on_event: Callable[[RunEvent], None] | None,
) -> Accepted:
    """Accept a run; when the caller gives up meanwhile, the run that is being committed is cancelled, not forgotten."""
    accepting = asyncio.create_task(engine.accept_now(request, documents, on_event))
    try:
        return await asyncio.shield(accepting)
    except asyncio.CancelledError:
        (accepted,) = await asyncio.gather(accepting, return_exceptions=True)
        if isinstance(accepted, Accepted) and accepted.fresh:
            await engine.cancel([accepted.run_id])
        raise


async def _wait_or_cancel(engine: Engine, accepted: Accepted) -> RunOutput:
    try:
        return await engine.wait(accepted.run_id, just_started=accepted.fresh and accepted.status.is_open)
    except asyncio.CancelledError:
        if accepted.fresh:
            await asyncio.shield(engine.cancel([accepted.run_id]))
        raise
