"""Accepting a source in chunks: bytes, documents, runs and items of a chunk commit together, so that memory does not
grow with the batch and an interrupted listing goes on where it stopped."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.engine import Engine
from nightdrop.faults import reach
from nightdrop.intake.listing import Source, SourceKind, list_source, source_label
from nightdrop.intake.take import Taken, take_listed, version_of
from nightdrop.records.file import File
from nightdrop.records.request import Disposition, RunRequest, Subject
from nightdrop.store import batches as rows
from nightdrop.store.accept import accept, add_documents

_CHUNK_FILES = 500
_CHUNK_BYTES = 32 * 1024 * 1024
_PRIORITY = 10  # behind ad-hoc runs of single documents


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCall:
    """What `agent.batch(...)` and `nightdrop run` were called with."""

    subject: Subject
    source: Source
    message: str
    user_id: str | None = None
    kind: SourceKind = "auto"
    limit: int | None = None
    rerun: bool = False
    retry_failed: bool = False
    max_bytes: int

    @property
    def fingerprint(self) -> str | None:
        """What makes the same call continue an unfinished batch; None for a source that has no name."""
        label = source_label(self.source)
        if label is None:
            return None
        place = label if "://" in label else os.path.abspath(label)
        parts = (self.subject.kind, self.subject.id, self.subject.revision, self.message, place, str(self.limit))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()


async def open_batch_for(engine: Engine, call: BatchCall) -> tuple[str, Iterator[File]]:
    """The batch this call starts or continues, and its documents. Raises SourceNotFound before anything is stored."""
    files = await asyncio.to_thread(list_source, call.source, call.kind)
    label = source_label(call.source)
    source = None if label is None else File(url=label).source if "://" in label else File(filepath=label).source
    batch_id = await engine.desk.write(
        lambda c: rows.open_batch(
            c,
            call.subject,
            message=call.message,
            source=source,
            fingerprint=call.fingerprint,
            user_id=call.user_id,
            now_ms=clock.now_ms(),
        )
    )
    return batch_id, files if call.limit is None else itertools.islice(files, call.limit)


async def accept_batch(engine: Engine, batch_id: str, call: BatchCall, files: Iterator[File]) -> None:
    """Accept every document of the source; returns when all are committed."""
    while chunk := await asyncio.to_thread(lambda: list(itertools.islice(files, _CHUNK_FILES))):
        versions = await asyncio.to_thread(_versions, chunk)
        keys = [key for key, _ in versions]
        known = await engine.desk.read(partial(rows.known_items, batch_id=batch_id, files=keys))
        pending = [file for (key, version), file in versions.items() if known.get(key) != version]
        for taken in _portions(pending):
            await _accept_portion(engine, batch_id, call, await asyncio.to_thread(_take, taken, call.max_bytes))
    await engine.desk.write(lambda c: rows.close_acceptance(c, batch_id, clock.now_ms()))
    engine.wake()


def item_key(file: File, version: str) -> tuple[str, str]:
    """(key, version) of an item: its path or URL; for bare bytes the name with the hash, since names repeat."""
    if file.content is not None:
        return f"{file.source or 'content'}#{version[:12]}", version
    return file.source or "", version


def _versions(files: Sequence[File]) -> dict[tuple[str, str], File]:
    return {item_key(file, version_of(file)): file for file in files}


def _portions(files: Sequence[File]) -> Iterator[list[File]]:
    """Files in groups that fit in memory together, by their size on disk."""
    portion: list[File] = []
    size = 0
    for file in files:
        portion.append(file)
        size += _size(file)
        if size >= _CHUNK_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _size(file: File) -> int:
    if file.content is not None:
        return len(file.content)
    if file.filepath is None:
        return _CHUNK_BYTES // 8
    try:
        return os.path.getsize(file.filepath)
    except (OSError, ValueError):
        return 0


def _take(files: Sequence[File], max_bytes: int) -> list[tuple[tuple[str, str], Taken]]:
    taken = [take_listed(file, max_bytes) for file in files]
    return [(item_key(file, t.version), t) for file, t in zip(files, taken, strict=True)]


async def _accept_portion(
    engine: Engine, batch_id: str, call: BatchCall, taken: Sequence[tuple[tuple[str, str], Taken]]
) -> None:
    kept = await engine.keep([t.document for _, t in taken if t.document is not None])
    reach("accept.stored")

    def commit(connection: sa.Connection) -> None:
        """Another process may accept the same batch: what it has taken meanwhile is left to it."""
        known = rows.known_items(connection, batch_id, [key for (key, _), _ in taken])
        todo = [(key, t) for (key, version), t in taken if known.get(key) != version]
        add_documents(connection, kept)
        earlier = rows.sessions_in_batch(connection, batch_id, call.subject, [t.identity for _, t in todo])
        requests = [_request(batch_id, call, t, t.identity in earlier) for _, t in todo]
        accepted = accept(connection, requests, clock.now_ms())
        seen = rows.runs_in_batch(connection, batch_id, [a.run_id for a in accepted])
        position = rows.last_position(connection, batch_id)
        items = []
        for (key, t), answer in zip(todo, accepted, strict=True):
            position += 1
            disposition: Disposition = "new" if answer.fresh else "known"
            items.append(
                {
                    "batch_id": batch_id,
                    "file": key,
                    "position": position,
                    "version": t.version,
                    "run_id": answer.run_id,
                    "disposition": "duplicate" if answer.run_id in seen else disposition,
                }
            )
            seen.add(answer.run_id)
        rows.add_items(connection, items)
        reach("accept.commit")

    await engine.desk.write(commit)
    reach("accept.committed")
    engine.wake()


def _request(batch_id: str, call: BatchCall, taken: Taken, is_repeat: bool) -> RunRequest:
    request = RunRequest(
        subject=call.subject,
        message=call.message,
        files=(taken.ref,),
        session_id=taken.identity,
        user_id=call.user_id,
        batch_id=batch_id,
        priority=_PRIORITY,
        rerun=call.rerun,
        retry_failed=call.retry_failed,
        refused=taken.refused,
    )
    return replace(request, rerun=False, retry_failed=False) if is_repeat else request
