"""What operators watch, counted from the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.store.tables import dead_letters, executors, model_calls, providers, runs, schedule_runs, schedules

_PICO = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One figure, or one for each set of labels. Counters only grow, until old rows are pruned."""

    name: str
    about: str
    values: tuple[tuple[dict[str, str], float], ...]
    kind: Literal["gauge", "counter"] = "gauge"


def gauges(connection: sa.Connection) -> list[Gauge]:
    """All of them, as the rows are now."""
    return [*_of_runs(connection), *_of_calls(connection), *_of_schedules(connection), *_of_others(connection)]


def _of_runs(connection: sa.Connection) -> list[Gauge]:
    c = runs.c
    by_status = connection.execute(sa.select(c.status, sa.func.count()).group_by(c.status)).all()
    queued = sa.and_(c.status == "PENDING", c.executor_id.is_(None))
    depth, oldest = connection.execute(
        sa.select(sa.func.count(), sa.func.min(c.created_at)).select_from(runs).where(queued)
    ).one()
    age = 0.0 if oldest is None else max(0, clock.now_ms() - oldest) / 1000
    return [
        Gauge(name="nightdrop_runs", about="Runs by status.", values=tuple(({"status": s}, n) for s, n in by_status)),
        _one("nightdrop_queue_depth", "Runs that wait for a process.", depth),
        _one("nightdrop_queue_oldest_seconds", "Age of the oldest of them.", age),
    ]


def _of_calls(connection: sa.Connection) -> list[Gauge]:
    m = model_calls.c
    outcomes = connection.execute(
        sa.select(m.provider, sa.func.coalesce(m.outcome, "open"), sa.func.count()).group_by(m.provider, m.outcome)
    ).all()
    costs = connection.execute(
        sa.select(m.provider, sa.func.coalesce(sa.func.sum(m.cost_pico), 0)).group_by(m.provider)
    ).all()
    return [
        Gauge(
            name="nightdrop_model_calls_total",
            about="Calls of models by how they ended; rate_limited are the 429s, open ones possibly billed.",
            kind="counter",
            values=tuple(({"provider": p, "outcome": o}, n) for p, o, n in outcomes),
        ),
        Gauge(
            name="nightdrop_cost_dollars_total",
            about="US dollars of closed calls, as far as prices are known.",
            kind="counter",
            values=tuple(({"provider": p}, float(pico) / _PICO) for p, pico in costs),
        ),
    ]


def _of_schedules(connection: sa.Connection) -> list[Gauge]:
    c = schedule_runs.c
    by_status = connection.execute(sa.select(c.status, sa.func.count()).group_by(c.status)).all()
    due = connection.scalar(sa.select(sa.func.min(schedules.c.next_fire_at)))
    late = 0.0 if due is None else max(0, clock.now_ms() - due) / 1000
    return [
        Gauge(
            name="nightdrop_schedule_runs",
            about="Fires of schedules by status.",
            values=tuple(({"status": s}, n) for s, n in by_status),
        ),
        _one("nightdrop_schedule_lateness_seconds", "How long the most overdue schedule waits to be fired.", late),
    ]


def _of_others(connection: sa.Connection) -> list[Gauge]:
    letters = sa.select(sa.func.count()).select_from(dead_letters).where(dead_letters.c.state == "open")
    return [
        _one("nightdrop_dead_letters_open", "Dead letters that wait for a person.", connection.scalar(letters)),
        _one("nightdrop_executors", "Processes that execute.", _count(connection, executors)),
        _one("nightdrop_providers_paused", "Providers that nothing is asked of.", _count(connection, providers)),
    ]


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def _one(name: str, about: str, value: float | None) -> Gauge:
    return Gauge(name=name, about=about, values=(({}, value or 0),))
