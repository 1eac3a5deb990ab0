"""One look: what is new and settled becomes a batch, as at a schedule's fire; nothing new makes none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.batch import accept_batch, listing_of
from nightdrop.batch.items import is_news
from nightdrop.batch.listing import Listing
from nightdrop.batch.remember import acknowledge_known
from nightdrop.engine import Engine
from nightdrop.intake.listing import Entry
from nightdrop.intake.take import UNREAD
from nightdrop.schedules.listing import settled_files
from nightdrop.store.batches import close_acceptance, new_batch
from nightdrop.store.schedule_files import known_files
from nightdrop.store.watches import paths_of_version
from nightdrop.watch.call import WatchCall, check_there, name_of

_FIRST_REST_SECONDS, _MOST_REST_SECONDS = 60.0, 3600.0


class Unread:
    """Documents whose bytes could not be had: each is asked for again after a minute, two, four, up to an hour."""

    def __init__(self) -> None:
        self._rests: dict[str, tuple[float, float]] = {}  # name: (not before, seconds of this rest)

    def is_resting(self, name: str) -> bool:
        """Whether it is left alone now."""
        return name in self._rests and self._rests[name][0] > clock.monotonic()

    def note(self, names: list[str]) -> None:
        """These could not be read so far, and no others."""
        now = clock.monotonic()
        kept: dict[str, tuple[float, float]] = {}
        for name in names:
            until, seconds = self._rests.get(name, (0.0, 0.0))
            if until <= now:
                seconds = min(max(2 * seconds, _FIRST_REST_SECONDS), _MOST_REST_SECONDS)
                until = now + seconds
            kept[name] = (until, seconds)
        self._rests = kept


async def look(engine: Engine, call: WatchCall, unread: Unread, opened: Callable[[str], None]) -> str | None:
    """Take in what is new; the id of its batch, None when there is nothing new. opened: called with the id at once.

    Raises what the source cannot be listed for: what came before that is taken in.
    """
    await asyncio.to_thread(check_there, call)
    files = await asyncio.to_thread(settled_files, call.payload, clock.now_ms())
    batch_call = call.batch_call()
    source = listing_of(engine, batch_call, _wanted(files, call, unread))
    if not await _has_news(engine, call, source):
        return None
    batch_id = await engine.desk.write(partial(_open, call=call))
    opened(batch_id)
    try:
        await accept_batch(engine, batch_id, batch_call, source)
    finally:
        await engine.desk.write(partial(close_acceptance, batch_id=batch_id, now_ms=clock.now_ms()))
        unread.note(await engine.desk.read(partial(paths_of_version, watch_id=call.id, version=UNREAD)))
    return batch_id


def _wanted(files: Iterator[Entry], call: WatchCall, unread: Unread) -> Iterator[Entry]:
    return (entry for entry in files if call.wants(entry) and not unread.is_resting(name_of(entry)))


async def _has_news(engine: Engine, call: WatchCall, source: Listing) -> bool:
    """Whether the source has anything that is not known; what is known before that is passed by."""
    while chunk := await asyncio.to_thread(source.next_chunk):
        names = [listed.key for listed in chunk]
        known = await engine.desk.read(partial(known_files, schedule_id=call.id, paths=names))
        if any(is_news(known, listed) for listed in chunk):
            await asyncio.to_thread(source.rewind)
            return True
        await acknowledge_known(engine, call.batch_call().schedule, chunk, known)
        source.confirm(chunk)
    return False


def _open(connection: sa.Connection, call: WatchCall) -> str:
    return new_batch(
        connection,
        call.subject,
        message=call.payload.message,
        source=call.payload.files,
        fingerprint=call.id,
        user_id=None,
        now_ms=clock.now_ms(),
    )
