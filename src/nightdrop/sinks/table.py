"""A table of any SQL database as a sink: one row for each document, changed in one transaction."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from nightdrop.sinks.blame import Blame, blame
from nightdrop.sinks.outbox_row import order_of

TABLE = "nightdrop_results"

_metadata = sa.MetaData()
_results = sa.Table(
    TABLE,
    _metadata,
    sa.Column("document", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),  # grows with each amendment
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("run_version", sa.Integer, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("file", sa.Text),
    sa.Column("sha256", sa.String(64)),
    sa.Column("agent_id", sa.Text),
    sa.Column("workflow_id", sa.Text),
    sa.Column("batch_id", sa.String(36)),
    sa.Column("content", sa.Text),  # JSON
    sa.Column("fields", sa.Text),  # JSON
    sa.Column("error", sa.Text),  # JSON
    sa.Column("cost", sa.Text),
)

_making = threading.Lock()
_REFUSED = (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.OperationalError)
_NAMES = [column.name for column in _results.columns if column.name != "version"]


def put_in_table(url: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert or change these rows; an older result never replaces a later one. Raises what the database raises."""
    with _making:  # a cache alone would let several be made at once, and drop all but one with their connections
        engine = _engine(url)
    for tries_left in (2, 1, 0):
        try:
            with engine.begin() as connection:
                for row in rows:
                    _put(connection, row)
            return
        except _REFUSED as error:  # the first time; or another process has inserted the same document meanwhile
            if not tries_left or blame(error) is Blame.SINK:
                raise
            with suppress(*_REFUSED):  # another makes it at the same moment
                _metadata.create_all(engine)


def _put(connection: sa.Connection, row: dict[str, Any]) -> None:
    c = _results.c
    query = sa.select(c.version, c.run_id, c.run_version).where(c.document == row["document"]).with_for_update()
    values = {name: _plain(row[name]) for name in _NAMES}
    while (found := connection.execute(query).mappings().first()) is not None:
        if order_of(dict(found)) >= order_of(row):
            return
        as_found = sa.and_(c.document == row["document"], c.version == found["version"])
        change = sa.update(_results).where(as_found).values(version=found["version"] + 1, **values)
        if connection.execute(change).rowcount:  # else, where reading locks nothing, another was first
            return
    connection.execute(sa.insert(_results).values(version=1, **values))


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


@lru_cache(maxsize=16)
def _engine(url: str) -> sa.Engine:
    return sa.create_engine(url, pool_pre_ping=True)
