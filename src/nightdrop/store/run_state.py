"""Where a run is, in a few columns: for whoever looks again and again."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from nightdrop.records.run import RunStatus
from nightdrop.store.tables import runs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """changed_at: when it came to this status, in milliseconds. workflow_id: None for an agent's run."""

    run_id: str
    status: RunStatus
    attempt: int
    changed_at: int
    workflow_id: str | None = None
    revision: str = ""

    @property
    def key(self) -> str:
        """Differs from the key of the state before it."""
        return f"{self.attempt}.{self.status.value}.{self.changed_at}"


def run_state(connection: sa.Connection, run_id: str) -> RunState | None:
    """The state of a run, None when there is no such run."""
    c = runs.c
    changed = sa.func.coalesce(c.completed_at, c.started_at, c.created_at).label("changed_at")
    columns = (c.status, c.attempt, c.kind, c.subject_id, c.revision, changed)
    row = connection.execute(sa.select(*columns).where(c.run_id == run_id)).first()
    if row is None:
        return None
    return RunState(
        run_id=run_id,
        status=RunStatus(row.status),
        attempt=row.attempt,
        changed_at=row.changed_at,
        workflow_id=row.subject_id if row.kind == "workflow" else None,
        revision=row.revision,
    )
