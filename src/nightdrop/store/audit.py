"""The audit in the rows: opened before a change, completed with how it was answered."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.ids import new_id
from nightdrop.records.token import AuditRow
from nightdrop.store.tables import audit

_MOST = 2000  # characters of a path that are kept


def open_audit(
    connection: sa.Connection,
    *,
    actor: str,
    method: str,
    path: str,
    token_id: str | None = None,
    address: str | None = None,
) -> str:
    """Write that somebody asks for a change; returns the row's id."""
    row_id, now_ms = new_id(), clock.now_ms()
    values = {"id": row_id, "at": now_ms, "actor": actor, "token_id": token_id, "address": address}
    connection.execute(sa.insert(audit).values(**values, method=method[:16], path=path[:_MOST]))
    return row_id


def close_audit(connection: sa.Connection, row_id: str, status: int, place: str | None) -> None:
    """Write how it was answered, and where what was made is."""
    connection.execute(sa.update(audit).where(audit.c.id == row_id).values(status=status, place=place))


def list_audit(
    connection: sa.Connection,
    *,
    since: datetime | None = None,
    actor: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[AuditRow]:
    """Rows, newest first; `before` is the id the page starts after."""
    c = audit.c
    query = sa.select(audit).order_by(c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(c.at >= clock.to_ms(since))
    if actor is not None:
        query = query.where(c.actor == actor)
    if before is not None:
        query = query.where(c.id < before)
    rows = connection.execute(query).mappings()
    return [AuditRow(**{**row, "at": clock.to_datetime(row["at"])}) for row in rows]
