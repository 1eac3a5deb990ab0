"""What schedules have taken in: a file is new until its path is here with its size and mtime."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop.store.tables import runs, schedule_files

UNREAD = "unread"
"""The version of a document whose bytes could not be had: whenever it is listed again, it is tried again."""

ACK = "ack"
"""What is done with a message of a queue: acknowledged when its documents have ended, also those that failed."""

_OPEN = ("PENDING", "RUNNING")


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


def forget_members(connection: sa.Connection, schedule_id: str, container: str, members: Collection[str]) -> None:
    """Forget documents that an archive has no more."""
    c = schedule_files.c
    here = sa.and_(c.schedule_id == schedule_id, c.container == container)
    for path in connection.scalars(sa.select(c.path).where(here)).all():
        if path not in members:
            connection.execute(sa.delete(schedule_files).where(here, c.path == path))


def runs_of(connection: sa.Connection, schedule_id: str, paths: Sequence[str]) -> list[str]:
    """The runs of files that the schedule has taken in, in the order of their paths."""
    c = schedule_files.c
    query = sa.select(c.run_id).where(c.schedule_id == schedule_id, c.path.in_(paths)).order_by(c.path)
    return list(connection.scalars(query))


def finished_files(connection: sa.Connection, *, remote: bool, limit: int = 200) -> list[dict[str, Any]]:
    """Files whose result is committed and with which something is still to be done; remote: those named by a URL.

    An archive or a mail: once the results of all its documents are committed. A message: once they have all ended, and
    none has to be asked for again.
    """
    c = schedule_files.c
    is_url = c.path.like("%://%")
    member = schedule_files.alias("member")
    its_run = runs.alias("its_run")
    open_member = (
        sa.select(sa.literal(1))
        .select_from(member.join(its_run, its_run.c.run_id == member.c.run_id))
        .where(member.c.schedule_id == c.schedule_id, member.c.container == c.path, ~_has_ended(its_run, c.after))
        .exists()
    )
    query = (
        sa.select(schedule_files)
        .join(runs, runs.c.run_id == c.run_id)
        .where(c.after.is_not(None), _has_ended(runs, c.after), is_url if remote else ~is_url, ~open_member)
        .where(sa.or_(c.after != ACK, c.version != UNREAD))
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


def acknowledge_again(connection: sa.Connection, schedule_id: str, paths: Sequence[str]) -> None:
    """Messages that came again after they were acknowledged: it was not heard, or they came twice."""
    c = schedule_files.c
    here = sa.and_(c.schedule_id == schedule_id, c.path.in_(paths), c.after.is_(None), c.version != UNREAD)
    connection.execute(sa.update(schedule_files).where(here).values(after=ACK))


def _has_ended(run: sa.FromClause, after: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    status = run.c.status
    return sa.or_(status == "COMPLETED", sa.and_(after == ACK, status.not_in(_OPEN)))
