"""What a run has come to, for who watches."""

from __future__ import annotations

import sqlalchemy as sa

from nightdrop.records.run import RunStatus
from nightdrop.store.tables import runs


def came_to(connection: sa.Connection, run_id: str) -> tuple[RunStatus, str | None]:
    """(status, the error's code) as this transaction sees them."""
    c = runs.c
    row = connection.execute(sa.select(c.status, c.error_code).where(c.run_id == run_id)).one()
    return RunStatus(row.status), row.error_code
