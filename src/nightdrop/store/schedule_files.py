"""What schedules have taken in: a file is new until its path is here with its size and mtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop.store.tables import runs, schedule_files


def known_files(connection: sa.Connection, schedule_id: str, paths: Sequence[str]) -> dict[str, str]:
    """Of these paths, the ones the schedule has taken in, with the version it took."""
    c = schedule_files.c
    query = sa.select(c.path, c.version).where(c.schedule_id == schedule_id, c.path.in_(paths))
    return {row.path: row.version for row in connection.execute(query)}


def remember_files(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note files as taken in, in the transaction that accepts their runs."""
    if not rows:
        return
    c = schedule_files.c
    paths = [row["path"] for row in rows]
    connection.execute(sa.delete(schedule_files).where(c.schedule_id == rows[0]["schedule_id"], c.path.in_(paths)))
    connection.execute(sa.insert(schedule_files), list(rows))


def finished_files(connection: sa.Connection, *, remote: bool, limit: int = 200) -> list[dict[str, Any]]:
    """Files whose result is committed and with which something is still to be done; remote: those named by a URL."""
    c = schedule_files.c
    is_url = c.path.like("%://%")
    query = (
        sa.select(schedule_files)
        .join(runs, runs.c.run_id == c.run_id)
        .where(c.after.is_not(None), runs.c.status == "COMPLETED", is_url if remote else ~is_url)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def after_done(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Nothing is to be done with this version of a file any more."""
    c = schedule_files.c
    connection.execute(
        sa.update(schedule_files)
        .where(c.schedule_id == row["schedule_id"], c.path == row["path"], c.version == row["version"])
        .values(after=None)
    )
