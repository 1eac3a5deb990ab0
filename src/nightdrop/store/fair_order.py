"""Fair order among batches of one agent: every run gets a rank as it is accepted, and lower ranks are taken first.

Start-time fair queueing: a batch begins at the rank that is taken now, and its documents follow 1000 / weight apart.
So a batch of a hundred that comes after one of fifty thousand is interleaved with it, and nothing is counted later.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from nightdrop.store.tables import batches, runs

MOST = 1000
"""The largest priority and weight."""

_STEP = 1000
_r, _b = runs.c, batches.c


def set_share(connection: sa.Connection, batch_id: str, priority: int | None, weight: int | None) -> None:
    """A batch's priority (lower goes first) and weight (of its documents for each one of weight 1), for what is
    accepted from now on; None leaves it."""
    given = {name: value for name, value in (("priority", priority), ("weight", weight)) if value is not None}
    if given:
        connection.execute(sa.update(batches).where(_b.batch_id == batch_id).values(**given))


def ranks_of(connection: sa.Connection, batch_id: str) -> tuple[int, Iterator[int]]:
    """(priority, ranks) for documents that the batch takes in now. Begin with `take_turn` on the batch, and keep what
    comes after the last one that was used with `keep_ranks`."""
    batch = connection.execute(sa.select(batches).where(_b.batch_id == batch_id)).one()
    start = max(batch.next_rank, _taken_now(connection, batch))
    return batch.priority, itertools.count(start, _STEP // batch.weight)


def keep_ranks(connection: sa.Connection, batch_id: str, ranks: Iterator[int]) -> None:
    """Where the batch goes on when it takes in more."""
    connection.execute(sa.update(batches).where(_b.batch_id == batch_id).values(next_rank=next(ranks)))


def _taken_now(connection: sa.Connection, batch: Any) -> int:
    """The rank that is in hand now; if none is, the first one that waits; else where the last batch ended."""
    same = (_r.subject_id == batch.subject_id, _r.revision == batch.revision, _r.priority == batch.priority)
    in_hand = sa.select(sa.func.max(_r.rank)).where(
        _r.executor_id.is_not(None), _r.status.in_(("PENDING", "RUNNING")), _r.kind == batch.kind, *same
    )
    waiting = (
        sa.select(_r.rank)
        .where(
            _r.status == sa.literal_column("'PENDING'"),  # literal, so that the partial index is used
            _r.executor_id.is_(None),
            _r.waits_for.is_(None),
            _r.kind == batch.kind,
            *same,
        )
        .order_by(_r.rank)
        .limit(1)
    )
    ended = sa.select(sa.func.max(_b.next_rank)).where(
        _b.kind == batch.kind,
        _b.subject_id == batch.subject_id,
        _b.revision == batch.revision,
        _b.priority == batch.priority,
    )
    for query in (in_hand, waiting, ended):
        found = connection.execute(query).scalar()
        if found is not None:
            return int(found)
    return 0
