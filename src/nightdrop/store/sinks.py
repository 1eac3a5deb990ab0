"""The sinks of a database, for people and programs; and the outbox as the deliverer works through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import SinkExists, SinkNotFound, UsageError
from nightdrop.ids import new_id
from nightdrop.records.sink import Sink, SinkDelivery
from nightdrop.servers.credentials import refuse_password
from nightdrop.store.tables import sink_deliveries, sinks

if TYPE_CHECKING:
    from nightdrop.store.database import Database

LEASE_MS = 180_000
"""How long rows that are being put are left alone: longer than putting them may take."""

_LONGEST_WAIT_MS = 300_000
_PENDING: sa.ColumnElement[str] = sa.literal_column("'pending'")  # literal, so that the partial index is used


class Sinks:
    """The sinks of one database. Starts nothing: worker processes put what is pending."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def list(self) -> Sequence[Sink]:
        """All of them, oldest first, with what is on its way."""
        with self._db.read() as connection:
            return load_sinks(connection)

    def create(self, name: str, url: str, *, subject_id: str | None = None) -> Sink:
        """Put the result of every run that ends from now on. Raises SinkExists, UsageError for a password."""
        try:
            refuse_password(url)
        except UsageError as error:
            raise UsageError("the URL holds a password: give env:NAME, and the URL in that variable") from error
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

    def deliveries(self, name: str, *, state: str | None = None, limit: int = 50) -> Sequence[SinkDelivery]:
        """What is on its way or was put, newest runs first. Raises SinkNotFound."""
        d = sink_deliveries.c
        query = sa.select(sink_deliveries).where(d.sink_id == self._find(name).id).order_by(d.run_id.desc())
        if state is not None:
            query = query.where(d.state == state)
        with self._db.read() as connection:
            return [_delivery(row) for row in connection.execute(query.limit(limit)).mappings()]

    def retry(self, name: str) -> int:
        """Try what has failed again now; returns how many results are on their way. Raises SinkNotFound."""
        found = self._find(name)
        d = sink_deliveries.c
        waiting = sa.update(sink_deliveries).where(d.sink_id == found.id, d.state == _PENDING)
        return self._db.transact(lambda c: c.execute(waiting.values(not_before=0, attempts=0)).rowcount)

    def _find(self, name: str) -> Sink:
        for sink in self.list():
            if sink.name == name:
                return sink
        raise SinkNotFound(f"there is no sink {name!r} in {self._db.label}")


def load_sinks(connection: sa.Connection) -> list[Sink]:
    """Every sink, oldest first."""
    d = sink_deliveries.c
    waiting = sa.select(d.sink_id, sa.func.count().label("pending"), sa.func.max(d.error).label("error"))
    counted = waiting.where(d.state == _PENDING).group_by(d.sink_id).subquery()
    query = sa.select(sinks, counted.c.pending, counted.c.error).outerjoin(counted, counted.c.sink_id == sinks.c.id)
    return [
        Sink(
            id=row["id"],
            name=row["name"],
            url=row["url"],
            subject_id=row["subject_id"],
            created_at=clock.to_datetime(row["created_at"]),
            pending=row["pending"] or 0,
            error=row["error"],
        )
        for row in connection.execute(query.order_by(sinks.c.id)).mappings()
    ]


def due_sinks(connection: sa.Connection, now_ms: int) -> list[str]:
    """Sinks with something to be put now."""
    d = sink_deliveries.c
    due = sa.exists().where(d.sink_id == sinks.c.id, d.state == _PENDING, d.not_before <= now_ms)
    return list(connection.scalars(sa.select(sinks.c.id).where(due)))


def claim_pending(connection: sa.Connection, sink_id: str, *, now_ms: int, limit: int) -> list[SinkDelivery]:
    """Take up to `limit` due rows of a sink, oldest runs first: nobody else puts them for LEASE_MS."""
    d = sink_deliveries.c
    query = (
        sa.select(sink_deliveries)
        .where(d.sink_id == sink_id, d.state == _PENDING, d.not_before <= now_ms)
        .order_by(d.run_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = [_delivery(row) for row in connection.execute(query).mappings().all()]
    if taken:
        mine = sa.and_(d.sink_id == sink_id, d.run_id.in_([row.run_id for row in taken]))
        connection.execute(sa.update(sink_deliveries).where(mine).values(not_before=now_ms + LEASE_MS))
    return taken


def settle(connection: sa.Connection, taken: Sequence[SinkDelivery], **values: Any) -> None:
    """Write what became of these rows; one whose result has changed meanwhile stays pending."""
    d = sink_deliveries.c
    for row in taken:
        mine = sa.and_(d.sink_id == row.sink_id, d.run_id == row.run_id, d.version == row.version, d.state == _PENDING)
        connection.execute(sa.update(sink_deliveries).where(mine).values(**values))


def put_off(connection: sa.Connection, taken: Sequence[SinkDelivery], error: str, now_ms: int) -> None:
    """Try these again later, each time after a longer wait, up to five minutes; they are never given up."""
    for row in taken:
        wait = min(1000 * 2 ** min(row.attempts, 20), _LONGEST_WAIT_MS)
        settle(connection, [row], attempts=row.attempts + 1, not_before=now_ms + wait, error=error[:500])


def _delivery(row: sa.RowMapping) -> SinkDelivery:
    return SinkDelivery(
        sink_id=row["sink_id"],
        run_id=row["run_id"],
        version=row["version"],
        state=row["state"],
        attempts=row["attempts"],
        error=row["error"],
    )
