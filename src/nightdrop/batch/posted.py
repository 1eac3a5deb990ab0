"""Batches without a source: documents are added by one call after the other, until somebody says that these are all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.batch.accept import BatchCall, commit_taken
from nightdrop.batch.listings import Asked
from nightdrop.batch.readers import Readers
from nightdrop.engine import Engine
from nightdrop.errors import BatchClosed
from nightdrop.faults import reach
from nightdrop.intake.take import look_at
from nightdrop.records.file import File
from nightdrop.records.request import Once, Subject
from nightdrop.settings import load_settings
from nightdrop.store import posted_batches as rows
from nightdrop.store.batches import close_acceptance, new_batch
from nightdrop.store.fair_order import set_share
from nightdrop.store.submissions import fingerprint_of, once
from nightdrop.store.turns import take_turn


class Posted:
    """Opens such batches, adds to them and closes them. On the portal's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open(self, asked: Asked, subject: Subject, key: Once | None) -> str:
        """Commit an empty batch; its id. asked.source is not used."""
        asked.call(subject)  # checks what was given

        def make(connection: sa.Connection, now_ms: int) -> str:
            batch_id = new_batch(
                connection,
                subject,
                message=asked.message,
                source=None,
                fingerprint=rows.POSTED,
                user_id=asked.user_id,
                now_ms=now_ms,
            )
            set_share(connection, batch_id, asked.priority, asked.weight)
            return batch_id

        def commit(connection: sa.Connection) -> str:
            now_ms = clock.now_ms()
            if key is None:
                return make(connection, now_ms)
            fingerprint = fingerprint_of([subject.kind, subject.id], asked.to_json())
            return once(connection, key, fingerprint, "batch_id", partial(make, connection, now_ms), now_ms)

        batch_id = await self._engine.desk.write(commit)
        reach("batch.opened")
        return batch_id

    async def add(self, batch_id: str, files: Sequence[File]) -> list[tuple[str, str]]:
        """Take documents in; (name in the batch, run id) of each once they are committed. Raises BatchClosed.

        What is no document is a run with its reason, as in every batch. One that is in it already is not added again.
        """
        read = self._engine.desk.read
        asked = await read(partial(rows.posted_call, batch_id=batch_id))
        if asked is None or not await read(partial(rows.is_open, batch_id=batch_id)):
            raise _closed(batch_id)
        spec = self._engine.registry.find(asked.subject.id, asked.subject.revision)
        call = BatchCall(
            subject=asked.subject,
            source=(),
            message=asked.message,
            user_id=asked.user_id,
            max_bytes=load_settings().max_file_bytes,
            cache=spec is not None and spec.cache,
        )
        readers = Readers(call.max_bytes)
        try:
            taken = await asyncio.to_thread(lambda: readers.take([look_at(file) for file in files]))
        finally:
            readers.close()
        names = list(dict.fromkeys(t.key for t in taken))

        def commit(connection: sa.Connection) -> list[tuple[str, str]]:
            take_turn(connection, batch_id)
            if not rows.is_open(connection, batch_id):
                raise _closed(batch_id)
            commit_taken(connection, batch_id, call, taken)
            runs = rows.runs_of_files(connection, batch_id, names)
            return [(name, runs[name]) for name in names]

        added = await self._engine.write_over([t.document for t in taken if t.document is not None], commit)
        reach("accept.committed")
        self._engine.wake()
        return added

    async def close(self, batch_id: str) -> None:
        """No more documents come. Raises BatchClosed for a batch that takes none; closing twice is closing."""

        def commit(connection: sa.Connection) -> None:
            take_turn(connection, batch_id)
            if rows.posted_call(connection, batch_id) is None:
                raise _closed(batch_id)
            if rows.is_open(connection, batch_id):
                close_acceptance(connection, batch_id, clock.now_ms())
            reach("batch.close")

        await self._engine.desk.write(commit)
        reach("batch.closed")


def _closed(batch_id: str) -> BatchClosed:
    return BatchClosed(f"batch {batch_id} takes no documents: it has a source of its own, was closed, or was cancelled")
