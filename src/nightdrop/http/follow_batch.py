"""Server-sent events of a batch: its progress whenever it changes, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from nightdrop.errors import BatchNotFound
from nightdrop.http.follow import LOOK_SECONDS, event
from nightdrop.http.service import Service
from nightdrop.records.batch import BatchProgress
from nightdrop.store.batches import load_batch


def progress_key(batch: BatchProgress) -> str:
    """The id of the event that tells this progress."""
    return f"{batch.status.value}.{batch.total}.{batch.done}.{batch.failed}.{batch.skipped}"


async def follow_batch(service: Service, batch_id: str, last_id: str | None) -> AsyncIterator[bytes]:
    """`progress` events that differ from the last one seen, and `end`. An empty piece when there is no news."""
    while True:
        batch = await service.aread(partial(load_batch, batch_id=batch_id))
        if batch is None:
            raise BatchNotFound(f"there is no batch {batch_id!r}")
        key = progress_key(batch)
        if batch.completed_at is not None:
            yield event("end", batch.to_json(), key)
            return
        if service.stopping:
            return
        yield b"" if key == last_id else event("progress", batch.to_json(), key)
        last_id = key
        await asyncio.sleep(LOOK_SECONDS)
