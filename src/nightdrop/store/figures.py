"""Figures for operators, counted from the rows as they are asked for. Each query runs within an index, also beside a
million documents."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from nightdrop.ids import new_id
from nightdrop.store.tables import (
    dead_letters,
    model_calls,
    runs,
    schedule_runs,
    schedules,
    webhook_deliveries,
)

RECENT_MS = 300_000
"""What "lately" means: five minutes."""

# Literals, so that the partial indexes are used.
_PENDING: sa.ColumnElement[str] = sa.literal_column("'PENDING'")
_RUNNING: sa.ColumnElement[str] = sa.literal_column("'RUNNING'")
_OPEN = (_PENDING, _RUNNING)
_c = runs.c


def queued(connection: sa.Connection) -> list[tuple[str, int, str]]:
    """(agent or workflow, runs in the queue, the oldest's id, which begins with the time it was accepted)."""
    query = (
        sa.select(_c.subject_id, sa.func.count(), sa.func.min(_c.run_id))
        .where(_c.status == _PENDING, _c.executor_id.is_(None))
        .group_by(_c.subject_id)
    )
    return [(row[0], int(row[1]), row[2]) for row in connection.execute(query)]


def in_hand(connection: sa.Connection) -> list[tuple[str, int]]:
    """(agent or workflow, runs that a process has taken and not ended)."""
    query = sa.select(_c.subject_id, sa.func.count()).where(_c.status.in_(_OPEN), _c.executor_id.is_not(None))
    return [(row[0], int(row[1])) for row in connection.execute(query.group_by(_c.subject_id))]


def paused(connection: sa.Connection) -> list[tuple[str, int]]:
    """(agent or workflow, runs that wait for a person)."""
    query = sa.select(_c.subject_id, sa.func.count()).where(_c.status == sa.literal_column("'PAUSED'"))
    return [(row[0], int(row[1])) for row in connection.execute(query.group_by(_c.subject_id))]


def ended_lately(connection: sa.Connection, now_ms: int) -> list[tuple[str, str, int]]:
    """(agent or workflow, status, runs that came to it lately)."""
    query = (
        sa.select(_c.subject_id, _c.status, sa.func.count())
        .where(_c.completed_at >= now_ms - RECENT_MS)
        .group_by(_c.subject_id, _c.status)
    )
    return [(row[0], row[1], int(row[2])) for row in connection.execute(query)]


def open_letters(connection: sa.Connection) -> list[tuple[str, int]]:
    """(error code, dead letters that wait for a person)."""
    d = dead_letters.c
    query = sa.select(d.code, sa.func.count()).where(d.state == sa.literal_column("'open'")).group_by(d.code)
    return [(row[0], int(row[1])) for row in connection.execute(query)]


def calls_since(connection: sa.Connection, since_ms: int) -> list[dict[str, Any]]:
    """Sums of the ledger by provider, model and outcome (None: still open), of calls opened since a time."""
    m = model_calls.c
    took = sa.case((m.closed_at.is_not(None), m.closed_at - m.opened_at), else_=0)
    query = (
        sa.select(
            m.provider,
            m.model,
            m.outcome,
            sa.func.count().label("calls"),
            sa.func.sum(sa.case((m.closed_at.is_(None), 1), else_=0)).label("open_calls"),
            sa.func.sum(m.input_tokens).label("input_tokens"),
            sa.func.sum(m.output_tokens).label("output_tokens"),
            sa.func.sum(sa.func.coalesce(m.cost_pico, 0)).label("cost_pico"),
            sa.func.sum(took).label("took_ms"),
        )
        .where(m.opened_at >= since_ms)
        .group_by(m.provider, m.model, m.outcome)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def late_schedules(connection: sa.Connection, now_ms: int) -> int:
    """How late the schedule is that has waited the longest for its fire, in milliseconds; 0: none is due."""
    s = schedules.c
    first = connection.scalar(sa.select(sa.func.min(s.next_fire_at)).where(s.enabled.is_(True)))
    return 0 if first is None else max(0, now_ms - int(first))


def fired_lately(connection: sa.Connection, now_ms: int) -> tuple[int, dict[str, int]]:
    """(the greatest lateness of a fire lately, in milliseconds; fires and occurrences by status)."""
    r = schedule_runs.c
    lately = r.id >= new_id(now_ms - RECENT_MS)[:13]  # ids begin with the time
    late = sa.select(sa.func.max(r.triggered_at - r.scheduled_for)).where(lately, r.attempt == 1)
    counts = sa.select(r.status, sa.func.count()).where(lately).group_by(r.status)
    return int(connection.scalar(late) or 0), {row[0]: int(row[1]) for row in connection.execute(counts)}


def deliveries_waiting(connection: sa.Connection) -> tuple[int, int | None, int]:
    """(deliveries on their way, since when the oldest, dead ones)."""
    d = webhook_deliveries.c
    waiting = sa.select(sa.func.count(), sa.func.min(d.created_at)).where(d.state == sa.literal_column("'pending'"))
    dead = sa.select(sa.func.count()).where(d.state == sa.literal_column("'dead'"))
    count, oldest = connection.execute(waiting).one()
    return int(count), oldest, int(connection.scalar(dead) or 0)
