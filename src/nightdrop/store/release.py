"""Giving runs back to the queue: handed back by a living executor, or taken from one that died."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import Poisoned
from nightdrop.records.run import RunStatus
from nightdrop.records.run_error import RunError
from nightdrop.store.attempts import fail
from nightdrop.store.tables import executors, runs

Death = Literal["suspect", "crash"]
"""What the end of a process says of the runs that it was running: perhaps one of them did it, or the one alone did."""

MOST_CRASHES = 3
MOST_DEATHS = 10
"""Without a process that watches, nobody knows what killed the others; but it does not go on for ever."""

_OPEN = ("PENDING", "RUNNING")


def orphaned() -> sa.ColumnElement[bool]:
    """Open runs in the hands of a process that has no lease."""
    c = runs.c
    leased = sa.exists().where(executors.c.executor_id == c.executor_id)
    return sa.and_(c.status.in_(_OPEN), c.executor_id.is_not(None), ~leased)


def release(
    connection: sa.Connection,
    executor_id: str | None,
    run_ids: Sequence[str] | None = None,
    *,
    death: Death | None = None,
) -> int:
    """Put an executor's open runs (or those named) back in the queue; returns how many. None: orphaned runs.

    One that was asked to stop ends here. death: the executor died, which counts against what was running there.
    """
    c = runs.c
    mine = orphaned() if executor_id is None else sa.and_(c.executor_id == executor_id, c.status.in_(_OPEN))
    if run_ids is not None:
        mine = sa.and_(mine, c.run_id.in_(run_ids))
    connection.execute(
        sa.update(runs)
        .where(mine, c.cancel_requested.is_(True))
        .values(status=RunStatus.CANCELLED.value, completed_at=clock.now_ms())
    )
    if death is not None:
        _count(connection, mine, death)
    asked = c.cancel_requested.is_(True)  # since the first look: it must not wait in the queue with that flag
    back = (
        sa.update(runs)
        .where(mine)
        .values(
            executor_id=None,
            status=sa.case((asked, RunStatus.CANCELLED.value), else_=RunStatus.PENDING.value),
            completed_at=sa.case((asked, clock.now_ms()), else_=c.completed_at),
        )
    )
    return connection.execute(back).rowcount


def _count(connection: sa.Connection, mine: sa.ColumnElement[bool], death: Death) -> None:
    """Count a death against the runs that were running; one that has killed too often becomes a dead letter."""
    c = runs.c
    running = sa.and_(mine, c.status == RunStatus.RUNNING.value)
    counter = c.deaths if death == "suspect" else c.crashes
    connection.execute(sa.update(runs).where(running).values({counter: counter + 1}))
    too_often = sa.or_(c.crashes >= MOST_CRASHES, c.deaths >= MOST_DEATHS)
    for row in connection.execute(sa.select(c.run_id, c.attempt, c.crashes, c.deaths).where(running, too_often)).all():
        reason = (
            f"{row.crashes} processes that ran it alone died"
            if row.crashes >= MOST_CRASHES
            else f"{row.deaths} processes died while they ran it"
        )
        error = RunError(code=Poisoned.code, message=f"{reason}: it is not tried any more")
        fail(connection, row.run_id, row.attempt, error, now_ms=clock.now_ms())
