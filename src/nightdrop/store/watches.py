"""What a watch has made and has in hand: its batches, found by the id that the same command has again."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from nightdrop.store.tables import batch_items, batches, runs, schedule_files

_OPEN = ("PENDING", "RUNNING")


def unfinished_batches(connection: sa.Connection, watch_id: str) -> list[str]:
    """Batches of a watch that are not at their end, oldest first."""
    c = batches.c
    is_open = (
        sa.exists()
        .select_from(batch_items.join(runs, runs.c.run_id == batch_items.c.run_id))
        .where(batch_items.c.batch_id == c.batch_id, runs.c.status.in_(_OPEN))
    )
    query = sa.select(c.batch_id).where(
        c.fingerprint == watch_id, c.cancelled_at.is_(None), sa.or_(c.accepted_at.is_(None), is_open)
    )
    return list(connection.scalars(query.order_by(c.batch_id)))


def end_acceptance(connection: sa.Connection, watch_id: str, now_ms: int) -> None:
    """Close what a killed look had begun: what it has not taken in, the next look takes into a batch of its own."""
    c = batches.c
    ended = sa.update(batches).where(c.fingerprint == watch_id, c.accepted_at.is_(None))
    connection.execute(ended.values(accepted_at=now_ms))


def documents_by_batch(connection: sa.Connection, watch_id: str) -> dict[str, int]:
    """How many distinct documents each batch of a watch has, oldest batch first."""
    i = batch_items.c
    query = (
        sa.select(i.batch_id, sa.func.count(sa.distinct(i.run_id)))
        .join(batches, batches.c.batch_id == i.batch_id)
        .where(batches.c.fingerprint == watch_id)
        .group_by(i.batch_id)
        .order_by(i.batch_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def open_documents(connection: sa.Connection, batch_ids: Sequence[str]) -> int:
    """How many documents of these batches have not ended."""
    i = batch_items.c
    query = (
        sa.select(sa.func.count(sa.distinct(i.run_id)))
        .join(runs, runs.c.run_id == i.run_id)
        .where(i.batch_id.in_(batch_ids), runs.c.status.in_(_OPEN))
    )
    return int(connection.execute(query).scalar_one())


def has_taken(connection: sa.Connection, watch_id: str) -> bool:
    """Whether a watch has ever taken something in."""
    query = sa.select(sa.literal(1)).where(schedule_files.c.schedule_id == watch_id).limit(1)
    return connection.execute(query).first() is not None


def paths_of_version(connection: sa.Connection, watch_id: str, version: str) -> list[str]:
    """What a watch has noted with this version."""
    c = schedule_files.c
    return list(connection.scalars(sa.select(c.path).where(c.schedule_id == watch_id, c.version == version)))
