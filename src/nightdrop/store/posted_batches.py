"""Batches whose documents are posted, in the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from nightdrop.records.request import Subject
from nightdrop.store.tables import batch_items, batches

POSTED = "posted"
"""What stands in place of a fingerprint: no call continues such a batch by being the same."""


class PostedCall(NamedTuple):
    """What each document of a batch is asked."""

    subject: Subject
    message: str
    user_id: str | None


def posted_call(connection: sa.Connection, batch_id: str) -> PostedCall | None:
    """What a batch asks of the documents that are posted, None for one that takes none."""
    c = batches.c
    query = sa.select(c.kind, c.subject_id, c.revision, c.message, c.user_id)
    row = connection.execute(query.where(c.batch_id == batch_id, c.fingerprint == POSTED)).first()
    if row is None:
        return None
    return PostedCall(Subject(kind=row.kind, id=row.subject_id, revision=row.revision), row.message, row.user_id)


def is_open(connection: sa.Connection, batch_id: str) -> bool:
    """Whether more documents may come: neither closed nor cancelled."""
    c = batches.c
    query = sa.select(sa.literal(1)).where(c.batch_id == batch_id, c.accepted_at.is_(None), c.cancelled_at.is_(None))
    return connection.execute(query).first() is not None


def runs_of_files(connection: sa.Connection, batch_id: str, files: Sequence[str]) -> dict[str, str]:
    """The run of each of these documents of a batch."""
    c = batch_items.c
    query = sa.select(c.file, c.run_id).where(c.batch_id == batch_id, c.file.in_(files))
    return {row.file: row.run_id for row in connection.execute(query)}
