"""The sinks of a database, for people and programs. What `db.sinks` is."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import DeliveryNotFound, SinkExists, SinkNotFound, UsageError
from nightdrop.ids import new_id
from nightdrop.outbound import AllowedHosts, check_url
from nightdrop.records.sink import Sink, SinkDelivery, kind_of
from nightdrop.servers.credentials import refuse_password
from nightdrop.servers.schemes import ARCHIVES, SCHEMES
from nightdrop.settings import load_settings
from nightdrop.store.outbox import to_delivery
from nightdrop.store.tables import runs, sink_deliveries, sinks

if TYPE_CHECKING:
    from nightdrop.store.database import Database

_NOT_WRITTEN = (".json", ".ndjson", ".tsv", ".txt", ".xls", ".xlsx", ".xml", ".db", ".sqlite")
_SQLITE = re.compile(r"^(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)([^?]+)")  # a file that is named relatively
_PENDING: sa.ColumnElement[str] = sa.literal_column("'pending'")  # literals, so that the partial indexes are used
_DEAD: sa.ColumnElement[str] = sa.literal_column("'dead'")


class Sinks:
    """The sinks of one database. Starts nothing: worker processes put what is pending."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def list(self) -> Sequence[Sink]:
        """All of them, oldest first, with what is on its way and what was given up."""
        with self._db.read() as connection:
            return load_sinks(connection)

    def create(self, name: str, url: str, *, subject_id: str | None = None) -> Sink:
        """Put the result of every run that ends from now on.

        A path is kept as an absolute one: processes that put results there may work in other folders. Raises
        SinkExists, UsageError for a password, an unknown scheme and files that cannot be written, UrlRefused for an
        address that results are never sent to.
        """
        try:
            refuse_password(url)
        except UsageError as error:
            raise UsageError("the URL holds a password: give env:NAME, and the URL in that variable") from error
        if not url.startswith("env:"):
            url = _checked(url)
        row = {"id": new_id(), "name": name, "url": url, "subject_id": subject_id, "created_at": clock.now_ms()}

        def commit(connection: sa.Connection) -> None:
            if connection.execute(sa.select(sinks.c.id).where(sinks.c.name == name)).first() is not None:
                raise SinkExists(f"there is a sink named {name!r}")
            connection.execute(sa.insert(sinks).values(row))

        self._db.transact(commit)
        return self._find(name)

    def delete(self, name: str) -> None:
        """Put nothing there any more; what is on its way is dropped, what is there stays. Raises SinkNotFound."""
        found = self._find(name)

        def commit(connection: sa.Connection) -> None:
            connection.execute(sa.delete(sink_deliveries).where(sink_deliveries.c.sink_id == found.id))
            connection.execute(sa.delete(sinks).where(sinks.c.id == found.id))

        self._db.transact(commit)

    def deliveries(
        self, name: str | None = None, *, state: str | None = None, limit: int = 50
    ) -> Sequence[SinkDelivery]:
        """What is on its way or was put, newest runs first; of one sink or of all. Raises SinkNotFound."""
        d = sink_deliveries.c
        query = sa.select(sink_deliveries).order_by(d.run_id.desc(), d.sink_id)
        if name is not None:
            query = query.where(d.sink_id == self._find(name).id)
        if state is not None:
            query = query.where(d.state == state)
        with self._db.read() as connection:
            return [to_delivery(row) for row in connection.execute(query.limit(limit)).mappings()]

    def retry(self, name: str | None = None, *, run_id: str | None = None) -> int:
        """Put now, with all attempts before it, what waits or is dead: of one sink or of all, of one run or of all.

        Returns how many results are on their way by that. Raises SinkNotFound, DeliveryNotFound.
        """
        d = sink_deliveries.c
        wanted: list[sa.ColumnElement[bool]] = [
            d.state.in_(["pending", "dead"]),
            d.run_id.in_(sa.select(runs.c.run_id)),
        ]
        awake = sa.update(sinks).values(not_before=0, failures=0)
        if name is not None:
            found = self._find(name)
            wanted.append(d.sink_id == found.id)
            awake = awake.where(sinks.c.id == found.id)
        if run_id is not None:
            wanted.append(d.run_id == run_id)
        again = sa.update(sink_deliveries).where(*wanted)
        values = {"state": "pending", "not_before": 0, "attempts": 0}

        def commit(connection: sa.Connection) -> int:
            connection.execute(awake)
            return connection.execute(again.values(values)).rowcount

        count = self._db.transact(commit)
        if not count and run_id is not None:
            raise DeliveryNotFound(
                f"nothing of run {run_id!r} waits for a sink in {self._db.label}, and nothing is dead"
            )
        return count

    def _find(self, name: str) -> Sink:
        for sink in self.list():
            if sink.name == name:
                return sink
        raise SinkNotFound(f"there is no sink {name!r} in {self._db.label}")


def _checked(url: str) -> str:
    """The URL as it is kept. What no process could ever put into is refused now, not at each result."""
    kind, scheme = kind_of(url), url.partition("://")[0].lower() if "://" in url else ""
    if kind == "http":
        check_url(url, AllowedHosts.parse(load_settings().allow_hosts))
    elif kind == "table":
        url = _SQLITE.sub(lambda found: found[1] + os.path.abspath(found[2]), url)
    elif scheme not in ("", "file") and scheme not in SCHEMES - ARCHIVES:
        known = "a path, s3://, sftp:// and the like, http(s)://, or a database as SQLAlchemy writes it"
        raise UsageError(f"{scheme}:// is no place for results that is known here: give {known}")
    elif kind == "folder" and url.lower().endswith(_NOT_WRITTEN):
        raise UsageError(
            f"{url}: one file of all results ends in .jsonl, .csv or .parquet; for a folder, end it with /"
        )
    elif not scheme:
        url = os.path.abspath(url)
    return url


def load_sinks(connection: sa.Connection) -> list[Sink]:
    """Every sink, oldest first."""
    d = sink_deliveries.c
    waiting = sa.select(d.sink_id, sa.func.count().label("pending"), sa.func.max(d.error).label("error"))
    pending = waiting.where(d.state == _PENDING).group_by(d.sink_id).subquery()
    given_up = sa.select(d.sink_id, sa.func.count().label("dead")).where(d.state == _DEAD)
    dead = given_up.group_by(d.sink_id).subquery()
    query = (
        sa.select(sinks, pending.c.pending, pending.c.error, dead.c.dead)
        .outerjoin(pending, pending.c.sink_id == sinks.c.id)
        .outerjoin(dead, dead.c.sink_id == sinks.c.id)
    )
    return [
        Sink(
            id=row["id"],
            name=row["name"],
            url=row["url"],
            subject_id=row["subject_id"],
            created_at=clock.to_datetime(row["created_at"]),
            pending=row["pending"] or 0,
            dead=row["dead"] or 0,
            error=row["error"],
            next_attempt_at=clock.to_datetime(row["not_before"]) if row["failures"] else None,
        )
        for row in connection.execute(query.order_by(sinks.c.id)).mappings()
    ]
