"""Leases: which processes execute, since when they were last heard of, on the database's own clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from nightdrop.store.release import Death, orphaned, release
from nightdrop.store.tables import executors, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorRow:
    """One executing process as its row says; age_ms: since its last heartbeat, on the database's clock."""

    executor_id: str
    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    pid_started: str
    version: str
    registry: str
    lease_ms: int
    heartbeat_at: int
    concurrency: int
    state: str
    role: str
    parent_pid: int | None
    parent_started: str | None
    scheduler: bool
    started_at: int
    age_ms: int


def database_now(connection: sa.Connection) -> Any:
    """An SQL expression: the database's clock in milliseconds."""
    if connection.dialect.name == "sqlite":
        return sa.cast((sa.func.julianday("now") - 2440587.5) * 86_400_000, sa.BigInteger)
    return sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()) * 1000, sa.BigInteger)


def register(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Begin a lease."""
    now = database_now(connection)
    connection.execute(sa.insert(executors).values(**row, started_at=now, heartbeat_at=now))


def heartbeat(connection: sa.Connection, executor_id: str, registry: str) -> bool:
    """Renew a lease. False: it was taken away, since this process was thought dead."""
    now = database_now(connection)
    query = sa.update(executors).where(executors.c.executor_id == executor_id)
    return connection.execute(query.values(heartbeat_at=now, registry=registry)).rowcount == 1


def list_executors(connection: sa.Connection) -> list[ExecutorRow]:
    """Every process with a lease, alive or not."""
    c = executors.c
    age = (database_now(connection) - c.heartbeat_at).label("age_ms")
    rows = connection.execute(sa.select(executors, age).order_by(c.started_at)).mappings()
    return [ExecutorRow(**row) for row in rows]


def is_registered(connection: sa.Connection, executor_id: str) -> bool:
    """Whether this process has its lease: without one it must take no run."""
    query = sa.select(executors.c.executor_id).where(executors.c.executor_id == executor_id)
    return connection.execute(query).first() is not None


def disown(connection: sa.Connection, parent_pid: int, parent_started: str) -> None:
    """A process is about to kill its children itself: their end says nothing of what they run."""
    c = executors.c
    mine = sa.and_(c.parent_pid == parent_pid, c.parent_started == parent_started)
    connection.execute(sa.update(executors).where(mine).values(parent_pid=None, parent_started=None))


def set_state(connection: sa.Connection, executor_id: str, state: str) -> None:
    """Say what this process does: `working`, or `draining` when it takes nothing new."""
    connection.execute(sa.update(executors).where(executors.c.executor_id == executor_id).values(state=state))


def runs_in_hand(connection: sa.Connection) -> dict[str, int]:
    """How many open runs each executor has."""
    c = runs.c
    query = sa.select(c.executor_id, sa.func.count()).where(
        c.executor_id.is_not(None), c.status.in_(["PENDING", "RUNNING"])
    )
    return {row[0]: row[1] for row in connection.execute(query.group_by(c.executor_id))}


def reclaim(
    connection: sa.Connection, executor_id: str, heartbeat_at: int | None = None, death: Death | None = None
) -> int | None:
    """End a lease and put its open runs back in the queue; returns how many, None when another did or it lives.

    heartbeat_at: the heartbeat that was taken for its last; a lease renewed since then is left alone. death: what
    its end says of the runs that it was running.
    """
    gone = sa.delete(executors).where(executors.c.executor_id == executor_id)
    if heartbeat_at is not None:
        gone = gone.where(executors.c.heartbeat_at == heartbeat_at)
    return release(connection, executor_id, death=death) if connection.execute(gone).rowcount == 1 else None


def release_orphans(connection: sa.Connection) -> int:
    """Put back open runs whose executor has no lease at all; returns how many."""
    return release(connection, None)


def has_orphans(connection: sa.Connection) -> bool:
    """Whether `release_orphans` would find any; takes no lock."""
    return connection.execute(sa.select(sa.literal(1)).where(sa.exists().where(orphaned()))).first() is not None
