"""Listings in the rows: begun with their batch, taken over from the dead, ended with what went wrong."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from nightdrop.store.insert import insert_ignore
from nightdrop.store.tables import batches, executors, listings


class OpenListing(NamedTuple):
    """A listing to go on with. executor_id: who had it. call: JSON."""

    batch_id: str
    executor_id: str | None
    call: str


def add_listing(connection: sa.Connection, batch_id: str, executor_id: str, call: str) -> None:
    """Begin a listing, unless the batch has one."""
    query = insert_ignore(connection.dialect.name, listings)
    connection.execute(query.values(batch_id=batch_id, executor_id=executor_id, call=call))


def open_listings(connection: sa.Connection, executor_id: str) -> list[OpenListing]:
    """Listings that are not at their end and that this process has, or nobody who lives."""
    c = listings.c
    alive = sa.exists().where(executors.c.executor_id == c.executor_id)
    query = (
        sa.select(c.batch_id, c.executor_id, c.call)
        .join(batches, batches.c.batch_id == c.batch_id)
        .where(
            batches.c.accepted_at.is_(None),
            batches.c.cancelled_at.is_(None),
            c.error.is_(None),
            sa.or_(c.executor_id == executor_id, ~alive),
        )
    )
    return [OpenListing(*row) for row in connection.execute(query)]


def take_listing(connection: sa.Connection, batch_id: str, seen: str | None, executor_id: str) -> bool:
    """Go on with it from now on; False when another process does."""
    c = listings.c
    query = sa.update(listings).where(c.batch_id == batch_id, c.executor_id.is_not_distinct_from(seen))
    return connection.execute(query.values(executor_id=executor_id)).rowcount == 1


def end_listing(connection: sa.Connection, batch_id: str, error: str | None) -> None:
    """It is at its end, or cannot go on. error None also lets one that could not go on be tried again."""
    connection.execute(sa.update(listings).where(listings.c.batch_id == batch_id).values(error=error))


def listing_error(connection: sa.Connection, batch_id: str) -> str | None:
    """Why a batch's source was not listed to its end."""
    found: str | None = connection.scalar(sa.select(listings.c.error).where(listings.c.batch_id == batch_id))
    return found
