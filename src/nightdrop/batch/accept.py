"""Accepting a source in chunks: bytes, documents, runs and items of a chunk commit together, so that memory does not
grow with the batch and an interrupted listing goes on where it stopped."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.batch.carry import carry_over
from nightdrop.batch.items import Answered, is_news, items_of
from nightdrop.batch.listing import Listing
from nightdrop.batch.readers import Readers
from nightdrop.batch.remember import ScheduleCall, acknowledge_known, remember
from nightdrop.engine import Engine
from nightdrop.errors import UsageError
from nightdrop.faults import reach
from nightdrop.intake.allowed import list_allowed
from nightdrop.intake.listing import Entry, Given, SourceKind, list_source, source_label
from nightdrop.intake.sources import queue_of
from nightdrop.intake.take import Listed, Taken
from nightdrop.records.budget import OnExceeded
from nightdrop.records.file import File
from nightdrop.records.request import RunRequest, Subject, require_text
from nightdrop.store import batches as rows
from nightdrop.store.accept import accept
from nightdrop.store.attempts import cancel
from nightdrop.store.batch_control import failed_runs, try_all_again
from nightdrop.store.fair_order import MOST, keep_ranks, ranks_of, set_share
from nightdrop.store.schedule_files import known_files
from nightdrop.store.turns import take_turn

_CHUNK_BYTES = 32 * 1024 * 1024
_UNKNOWN_BYTES = 64 * 1024  # what a document counts whose size is not known before it is read
_ARCHIVES, _UNPACKED = (".zip", ".tar", ".tgz", ".tar.gz", ".eml", ".msg"), 4  # what is unpacked counts as so much more


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCall:
    """What `agent.batch(...)` and `nightdrop run` were called with."""

    subject: Subject
    source: Given
    message: str
    user_id: str | None = None
    kind: SourceKind = "auto"
    limit: int | None = None
    rerun: bool = False
    retry_failed: bool = False
    leave_out: tuple[str, ...] = ()  # files that are no documents, such as the results file
    max_bytes: int
    schedule: ScheduleCall | None = None
    budget_pico: int | None = None  # what the batch may cost; None: as it is, else as its agent says
    on_budget: OnExceeded | None = None
    cache: bool = False  # what was answered already is given again
    priority: int | None = None  # lower goes first; None: as it is, else behind single runs
    within: tuple[str, ...] | None = None  # somebody else named the source: only below these folders and URLs
    weight: int | None = None  # of its documents for each one of a batch of weight 1; None: as it is, else 1

    def __post_init__(self) -> None:
        require_text(message=self.message, user_id=self.user_id)
        for name, value, least in (("priority", self.priority, 0), ("weight", self.weight, 1)):
            if value is not None and not least <= value <= MOST:
                raise UsageError(f"{name}={value}: give a whole number from {least} to {MOST}")

    @property
    def fingerprint(self) -> str | None:
        """What makes the same call continue an unfinished batch; None for a source that has no name."""
        label = source_label(self.source)
        if label is None:
            return None
        place = label if "://" in label else os.path.abspath(label)
        parts = (
            self.subject.kind,
            self.subject.id,
            self.subject.revision,
            self.message,
            place,
            str(self.limit),
            str(self.rerun),
        )
        return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()

    @property
    def earlier(self) -> str | None:
        """The fingerprint of batches whose unchanged documents need not be read again; None: all are read."""
        return None if self.rerun or self.retry_failed or self.schedule is not None else self.fingerprint


async def open_batch_for(engine: Engine, call: BatchCall) -> str:
    """The id of the batch that this call starts or continues. List its documents first: a typo leaves no batch."""
    label = source_label(call.source)
    source = None if label is None else File(url=label).source if "://" in label else File(filepath=label).source

    def commit(connection: sa.Connection) -> str:
        batch_id = rows.open_batch(
            connection,
            call.subject,
            message=call.message,
            source=source,
            fingerprint=call.fingerprint,
            user_id=call.user_id,
            now_ms=clock.now_ms(),
        )
        rows.set_budget(connection, batch_id, call.budget_pico, call.on_budget)
        set_share(connection, batch_id, call.priority, call.weight)
        if call.retry_failed:  # what an interrupted batch has taken in already is not taken in again
            try_all_again(connection, failed_runs(connection, batch_id), clock.now_ms())
        return batch_id

    return await engine.desk.write(commit)


async def documents_of(call: BatchCall) -> Iterator[Entry]:
    """The documents that a call's source names, up to its limit. Raises SourceNotFound."""
    if call.schedule is None and isinstance(call.source, str) and queue_of(call.source) is not None:
        raise UsageError("messages of a queue are taken by `nightdrop watch` or a schedule, which acknowledge them")
    if call.within is not None and isinstance(call.source, str):
        files = await asyncio.to_thread(list_allowed, call.source, call.within, call.kind)
    else:
        files = await asyncio.to_thread(list_source, call.source, call.kind)
    return files if call.limit is None else itertools.islice(files, call.limit)


def listing_of(engine: Engine, call: BatchCall, files: Iterator[Entry]) -> Listing:
    """The source to go through, without the database's own files."""
    return Listing(files, [*engine.db.own_paths, *call.leave_out])


async def accept_batch(engine: Engine, batch_id: str, call: BatchCall, source: Listing) -> None:
    """Accept every document of the source; returns when all are committed. One portion is read as another commits."""
    committing: asyncio.Task[None] | None = None
    readers = Readers(call.max_bytes)
    try:
        while chunk := await asyncio.to_thread(source.next_chunk):
            known = await engine.desk.read(
                partial(_known, batch_id=batch_id, call=call, files=[listed.key for listed in chunk])
            )
            await acknowledge_known(engine, call.schedule, chunk, known)
            todo = [listed for listed in chunk if is_news(known, listed)]
            carried = await carry_over(engine, batch_id, call.earlier, call.subject, todo)
            portions = list(_portions([listed for listed in todo if listed.key not in carried]))
            for number, portion in enumerate(portions, start=1):
                taken = await asyncio.to_thread(readers.take, portion)
                if committing is not None:
                    await committing
                confirm = partial(source.confirm, chunk) if number == len(portions) else None
                committing = asyncio.create_task(_accept_portion(engine, batch_id, call, taken, confirm))
            if not portions:
                source.confirm(chunk)
    finally:
        readers.close()
        if committing is not None:
            await committing
    await engine.desk.write(lambda c: rows.close_acceptance(c, batch_id, clock.now_ms()))
    engine.wake()


def _portions(chunk: Sequence[Listed]) -> Iterator[list[Listed]]:
    """Documents in groups that fit in memory together, by their size on disk."""
    portion: list[Listed] = []
    size = 0
    for listed in chunk:
        portion.append(listed)
        size += (listed.size or _UNKNOWN_BYTES) * (_UNPACKED if listed.key.lower().endswith(_ARCHIVES) else 1)
        if size >= _CHUNK_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


async def _accept_portion(
    engine: Engine, batch_id: str, call: BatchCall, taken: Sequence[Taken], confirm: Callable[[], None] | None
) -> None:
    documents = [t.document for t in taken if t.document is not None]
    await engine.write_over(documents, lambda c: commit_taken(c, batch_id, call, taken))
    reach("accept.committed")
    if confirm is not None:
        confirm()
    engine.wake()


def commit_taken(
    connection: sa.Connection,
    batch_id: str,
    call: BatchCall,
    taken: Sequence[Taken],
) -> None:
    """One portion's documents, runs and items. What another process has accepted meanwhile is left to it."""
    take_turn(connection, batch_id)  # positions and items of one batch are given by one process at a time
    if call.schedule is not None:  # two fires that overlap see the same files: each is taken by one
        take_turn(connection, f"schedule:{call.schedule.schedule_id}")
    if rows.is_cancelled(connection, batch_id):
        return  # from another process, while this one still listed the source
    known = _known(connection, batch_id, call, [t.key for t in taken])
    todo = [t for t in taken if is_news(known, t)]
    earlier = rows.sessions_in_batch(connection, batch_id, call.subject, [t.identity for t in todo])
    order = ranks_of(connection, batch_id)
    requests = [_request(batch_id, call, t, order, is_repeat=t.identity in earlier) for t in todo]
    accepted = accept(connection, requests, clock.now_ms())
    keep_ranks(connection, batch_id, order[1])
    answered = [Answered(t.key, t.version, a.run_id, a.fresh) for t, a in zip(todo, accepted, strict=True)]
    items = items_of(connection, batch_id, answered)
    replaced = rows.add_items(connection, items)
    if call.schedule is not None:
        remember(connection, call.schedule, taken, items)
    if replaced:
        cancel(connection, replaced, clock.now_ms())
    reach("accept.commit")


def _known(connection: sa.Connection, batch_id: str, call: BatchCall, files: Sequence[str]) -> dict[str, str]:
    """Of these files, the ones taken in already by the batch, or by any fire of its schedule, with their version."""
    known = rows.known_items(connection, batch_id, files)
    if call.schedule is None:
        return known
    return known_files(connection, call.schedule.schedule_id, files) | known


def _request(
    batch_id: str, call: BatchCall, taken: Taken, order: tuple[int, Iterator[int]], *, is_repeat: bool
) -> RunRequest:
    request = RunRequest(
        subject=call.subject,
        message=call.message,
        files=(taken.ref,),
        session_id=taken.identity,
        user_id=call.user_id,
        batch_id=batch_id,
        schedule_run_id=None if call.schedule is None else call.schedule.schedule_run_id,
        priority=order[0],
        ranks=order[1],
        rerun=call.rerun,
        retry_failed=call.retry_failed,
        refused=taken.refused,
        metadata=taken.metadata,
        cache=call.cache,
    )
    return replace(request, rerun=False, retry_failed=False) if is_repeat else request
