"""What the batch before of the same call has taken in, and what has not changed since, is not read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import sqlalchemy as sa

from nightdrop.batch.items import Answered, items_of
from nightdrop.engine import Engine
from nightdrop.faults import reach
from nightdrop.intake.take import GONE, UNREAD, Listed
from nightdrop.records.request import Subject
from nightdrop.store import batches as rows
from nightdrop.store.documents import share
from nightdrop.store.turns import take_turn

_WITHOUT_VERSION = ("", "unreadable", GONE, UNREAD)


async def carry_over(
    engine: Engine, batch_id: str, fingerprint: str | None, subject: Subject, chunk: Sequence[Listed]
) -> set[str]:
    """Put into this batch, as known, what the batch before holds under the same name and version, with its run.

    Returns their keys. Only where that run would be given for the same bytes: it is the current one of its document,
    neither failed nor cancelled. They come before the rest of the chunk. Nothing is read but rows.
    """
    versions = {listed.key: listed.version for listed in chunk if listed.version not in _WITHOUT_VERSION}
    if fingerprint is None or not versions:
        return set()
    look = partial(rows.answered_before, batch_id=batch_id, fingerprint=fingerprint, subject=subject, versions=versions)
    if not await engine.desk.read(look):
        return set()
    return await engine.desk.write(partial(_commit, batch_id, fingerprint, subject, versions))


def _commit(
    batch_id: str, fingerprint: str, subject: Subject, versions: Mapping[str, str], connection: sa.Connection
) -> set[str]:
    take_turn(connection, batch_id)
    if rows.is_cancelled(connection, batch_id):
        return set()
    share(connection)  # a run that answers must not be pruned before this commits
    here = rows.known_items(connection, batch_id, list(versions))
    found = rows.answered_before(
        connection, batch_id=batch_id, fingerprint=fingerprint, subject=subject, versions=versions
    )
    todo = [Answered(file, versions[file], run_id, False) for file, run_id in found.items() if file not in here]
    rows.add_items(connection, items_of(connection, batch_id, todo))
    reach("accept.commit")
    return {one.file for one in todo}
