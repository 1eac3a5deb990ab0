"""The outbox as the deliverer works through it: results taken for a sink, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop.records.sink import SinkDelivery
from nightdrop.store.deliveries import MOST_ATTEMPTS, WAITS_SECONDS
from nightdrop.store.tables import sink_deliveries, sinks

LEASE_MS = 180_000
"""How long rows that are being put are left alone: longer than putting them may take."""

_LONGEST_PAUSE_MS, _LONGEST_ASKED_MS = 300_000, 6 * 3_600_000
_PENDING: sa.ColumnElement[str] = sa.literal_column("'pending'")  # literal, so that the partial index is used


def due_sinks(connection: sa.Connection, now_ms: int) -> list[str]:
    """Sinks with something to be put now; one that is down is left out until its pause is over."""
    d = sink_deliveries.c
    due = sa.exists().where(d.sink_id == sinks.c.id, d.state == _PENDING, d.not_before <= now_ms)
    return list(connection.scalars(sa.select(sinks.c.id).where(sinks.c.not_before <= now_ms, due)))


def claim_pending(connection: sa.Connection, sink_id: str, *, now_ms: int, limit: int) -> list[SinkDelivery]:
    """Take up to `limit` due rows of a sink, oldest runs first: nobody else puts them for LEASE_MS.

    What was tried before comes after what was not. None while the sink is left alone.
    """
    awake = sa.select(sinks.c.id).where(sinks.c.id == sink_id, sinks.c.not_before <= now_ms)
    if connection.execute(awake).first() is None:
        return []
    d = sink_deliveries.c
    query = (
        sa.select(sink_deliveries)
        .where(d.sink_id == sink_id, d.state == _PENDING, d.not_before <= now_ms)
        .order_by(d.not_before, d.run_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = [to_delivery(row) for row in connection.execute(query).mappings().all()]
    if taken:
        mine = sa.and_(d.sink_id == sink_id, d.run_id.in_([row.run_id for row in taken]))
        connection.execute(sa.update(sink_deliveries).where(mine).values(not_before=now_ms + LEASE_MS))
    return taken


def settle(connection: sa.Connection, taken: Sequence[SinkDelivery], **values: Any) -> None:
    """Write what became of these rows; one whose result has changed meanwhile stays pending."""
    d = sink_deliveries.c
    for row in taken:
        mine = sa.and_(d.sink_id == row.sink_id, d.run_id == row.run_id, d.version == row.version, d.state == _PENDING)
        connection.execute(sa.update(sink_deliveries).where(mine).values(**values))


def refuse(connection: sa.Connection, row: SinkDelivery, why: str, now_ms: int) -> None:
    """The sink refused this result: it is tried again ever later, and is dead after MOST_ATTEMPTS."""
    number = row.attempts + 1
    values: dict[str, Any] = {"attempts": number, "error": why[:500]}
    if number >= MOST_ATTEMPTS:
        values["state"] = "dead"
    else:
        values["not_before"] = now_ms + WAITS_SECONDS[number - 1] * 1000
    settle(connection, [row], **values)


def leave_alone(
    connection: sa.Connection, sink_id: str, waiting: Mapping[SinkDelivery, str], *, now_ms: int, asked_ms: int = 0
) -> None:
    """The sink is down: nothing is put there for 1, 2, 4 seconds and so on, up to five minutes, or as long as it asked.

    That costs no result an attempt. What was tried now comes after what was not.
    """
    failures = connection.scalar(sa.select(sinks.c.failures).where(sinks.c.id == sink_id)) or 0
    pause = max(min(1000 * 2 ** min(failures, 20), _LONGEST_PAUSE_MS), min(asked_ms, _LONGEST_ASKED_MS))
    values = {"failures": failures + 1, "not_before": now_ms + pause}
    connection.execute(sa.update(sinks).where(sinks.c.id == sink_id).values(values))
    for row, why in waiting.items():
        settle(connection, [row], not_before=now_ms + pause, error=why[:500])


def answers(connection: sa.Connection, sink_id: str) -> None:
    """The sink has taken or refused something, so it is up: its next failure is its first again."""
    failing = sa.and_(sinks.c.id == sink_id, sinks.c.failures > 0)
    connection.execute(sa.update(sinks).where(failing).values(failures=0, not_before=0))


def to_delivery(row: sa.RowMapping) -> SinkDelivery:
    """The record of a row of the outbox."""
    return SinkDelivery(
        sink_id=row["sink_id"],
        run_id=row["run_id"],
        version=row["version"],
        state=row["state"],
        attempts=row["attempts"],
        error=row["error"],
    )
