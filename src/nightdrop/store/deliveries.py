"""Deliveries in the rows: taken by one process at a time, settled once, told again on request.

The ends of runs, fires and documents write theirs by trigger (tables/telling.py); that of a batch is a fact of many
rows, and written here by whoever sees it first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.ids import new_id
from nightdrop.records.webhook import Delivery, DeliveryState
from nightdrop.store.batches import load_batch
from nightdrop.store.tables import webhook_batches, webhook_deliveries, webhooks

MOST_ATTEMPTS = 8
WAITS_SECONDS = (5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600)
"""After the first attempt, the second, and so on; the last attempt is followed by none."""

LEASE_MS = 120_000
"""How long a delivery that is being sent is left alone: longer than sending can take. Then another process sends it."""

_PENDING = DeliveryState.PENDING.value
_DUE: sa.ColumnElement[str] = sa.literal_column("'pending'")  # literal, so that the partial index is used
_ENDED = "the process that sent it for the last time died before it could note the answer"


def due_webhooks(connection: sa.Connection, now_ms: int) -> list[str]:
    """Webhooks with a delivery to be sent now."""
    d = webhook_deliveries.c
    due = sa.exists().where(d.webhook_id == webhooks.c.id, d.state == _DUE, d.not_before <= now_ms)
    return list(connection.scalars(sa.select(webhooks.c.id).where(due)))


def claim_deliveries(connection: sa.Connection, webhook_id: str, *, now_ms: int, limit: int) -> list[Delivery]:
    """Take up to `limit` due deliveries of a webhook, oldest first: nobody else sends them for LEASE_MS.

    Two processes never get the same one: SQLite holds the write lock, Postgres skips locked rows.
    """
    d = webhook_deliveries.c
    query = (
        sa.select(webhook_deliveries)
        .where(d.webhook_id == webhook_id, d.state == _DUE, d.not_before <= now_ms)
        .order_by(d.not_before, d.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(query).mappings().all()
    spent = [row["id"] for row in rows if row["attempts"] >= MOST_ATTEMPTS]
    if spent:
        connection.execute(_these(spent).values(state="dead", error=_ENDED, completed_at=now_ms))
    taken = [row for row in rows if row["id"] not in spent]
    if taken:
        values = {"attempts": d.attempts + 1, "not_before": now_ms + LEASE_MS}
        connection.execute(_these([row["id"] for row in taken]).values(values))
    return [_delivery({**row, "attempts": row["attempts"] + 1}) for row in taken]


def settle_delivery(connection: sa.Connection, delivery: Delivery, **values: Any) -> bool:
    """Write what became of an attempt. False: the lease ran out and another process has begun the next one."""
    d = webhook_deliveries.c
    mine = sa.and_(d.id == delivery.id, d.attempts == delivery.attempts, d.state == _PENDING)
    return connection.execute(sa.update(webhook_deliveries).where(mine).values(**values)).rowcount == 1


def list_deliveries(
    connection: sa.Connection,
    *,
    webhook_id: str | None = None,
    state: str | None = None,
    event: str | None = None,
    about: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """Deliveries, newest first; `before` is the id the page starts after."""
    d = webhook_deliveries.c
    query = sa.select(webhook_deliveries).order_by(d.id.desc()).limit(limit)
    for column, value in ((d.webhook_id, webhook_id), (d.state, state), (d.event, event), (d.about, about)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(d.id < before)
    return [_delivery(row) for row in connection.execute(query).mappings()]


def load_deliveries(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Delivery]:
    """These deliveries by id; unknown ids are left out."""
    rows = connection.execute(sa.select(webhook_deliveries).where(webhook_deliveries.c.id.in_(ids))).mappings()
    return {row["id"]: _delivery(row) for row in rows}


def send_again(connection: sa.Connection, ids: Sequence[str]) -> int:
    """Make these deliveries due now, whatever became of them, with all their attempts before them; returns how many.

    One that is on its way is left to it. Those of a webhook that is gone stay as they are.
    """
    d = webhook_deliveries.c
    return _again(connection, sa.and_(d.id.in_(ids), d.state != _PENDING))


def send_dead_again(connection: sa.Connection, webhook_id: str | None) -> int:
    """`send_again` of all that are dead, of one webhook or of any."""
    d = webhook_deliveries.c
    dead = d.state == DeliveryState.DEAD.value
    return _again(connection, dead if webhook_id is None else sa.and_(dead, d.webhook_id == webhook_id))


def _again(connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> int:
    known = webhook_deliveries.c.webhook_id.in_(sa.select(webhooks.c.id))
    values = {"state": _PENDING, "attempts": 0, "not_before": 0, "completed_at": None}
    return connection.execute(sa.update(webhook_deliveries).where(wanted, known).values(values)).rowcount


def give_up(connection: sa.Connection, webhook_id: str, now_ms: int) -> None:
    """End what is on its way to a webhook that is deleted."""
    d = webhook_deliveries.c
    mine = sa.and_(d.webhook_id == webhook_id, d.state == _PENDING)
    values = {"state": "dead", "error": "the webhook was deleted", "completed_at": now_ms}
    connection.execute(sa.update(webhook_deliveries).where(mine).values(values))


def touched_batches(connection: sa.Connection) -> list[str]:
    """Batches of which something has ended that nobody has looked at yet."""
    return list(connection.scalars(sa.select(webhook_batches.c.batch_id)))


def is_over(connection: sa.Connection, batch_id: str) -> bool:
    """Whether a batch has ended altogether, or is gone: then `tell_batch` has something to do."""
    batch = load_batch(connection, batch_id)
    return batch is None or batch.completed_at is not None


def tell_batch(connection: sa.Connection, batch_id: str) -> bool:
    """Write the deliveries of a batch's end, once. False: another process has, or it goes on, or it is gone.

    The mark goes first: a run that ends from here on waits for this transaction and marks the batch again, and one
    whose end is not committed yet is still open here.
    """
    gone = sa.delete(webhook_batches).where(webhook_batches.c.batch_id == batch_id)
    if connection.execute(gone).rowcount != 1:
        return False
    batch = load_batch(connection, batch_id)
    if batch is None:
        return False
    if batch.completed_at is None:
        connection.execute(sa.insert(webhook_batches).values(batch_id=batch_id))
        return False
    data = batch.to_json()
    told = {"batch_id": data.pop("id"), **data}
    event, at = f"batch.{batch.status.value.lower()}", clock.to_ms(batch.completed_at)
    listening = sa.select(webhooks.c.id).where(webhooks.c.events.contains(f",{event},", autoescape=True))
    rows = [
        {
            "id": f"{at:012x}{new_id().replace('-', '')[-20:]}",
            "webhook_id": webhook_id,
            "event": event,
            "about": batch_id,
            "data": json.dumps(told),
            "state": _PENDING,
            "created_at": at,
        }
        for webhook_id in connection.scalars(listening).all()
    ]
    if rows:
        connection.execute(sa.insert(webhook_deliveries), rows)
    return bool(rows)


def delete_deliveries(connection: sa.Connection, before_ms: int, limit: int) -> int:
    """Delete up to `limit` deliveries that ended before a time; returns how many."""
    d = webhook_deliveries.c
    old = sa.select(d.id).where(d.state != _PENDING, d.completed_at < before_ms).order_by(d.id).limit(limit)
    ids = list(connection.scalars(old))
    gone = sa.delete(webhook_deliveries).where(d.id.in_(ids))
    return connection.execute(gone).rowcount if ids else 0


def _these(ids: Sequence[str]) -> sa.Update:
    return sa.update(webhook_deliveries).where(webhook_deliveries.c.id.in_(ids))


def _delivery(row: Any) -> Delivery:
    created = clock.to_datetime(row["created_at"])
    assert created is not None
    pending = row["state"] == _PENDING
    return Delivery(
        id=row["id"],
        webhook_id=row["webhook_id"],
        event=row["event"],
        about=row["about"],
        data=json.loads(row["data"]),
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        next_attempt_at=clock.to_datetime(max(row["not_before"], row["created_at"])) if pending else None,
        status_code=row["status_code"],
        error=row["error"],
        created_at=created,
        completed_at=clock.to_datetime(row["completed_at"]),
    )
