"""PostgresDb: many processes on many machines share one database."""

from __future__ import annotations

import sqlalchemy as sa

from nightdrop.errors import UsageError
from nightdrop.settings import Durability
from nightdrop.store.blobs import Blobs
from nightdrop.store.database import Database
from nightdrop.store.table_blobs import TableBlobs

_POOL, _OVERFLOW = 8, 24  # the engine's threads: 16 of DBOS, 4 readers, a writer, the lease, DBOS's own pollers
_CONNECT_SECONDS = 10


class PostgresDb(Database):
    """A Postgres database; documents' bytes in a table of it unless `blobs=` names another place.

    url: `postgresql://user:password@host/name`. blobs: a folder or any fsspec URL that every machine reaches.
    durability: Postgres syncs every commit either way; with a folder as blobs, "power" syncs those too.
    """

    def __init__(self, url: str, *, blobs: str | None = None, durability: Durability = "process") -> None:
        try:
            parsed = sa.make_url(url.replace("postgres://", "postgresql://", 1))
        except sa.exc.ArgumentError as error:
            raise UsageError(f"PostgresDb takes a URL such as postgresql://user@host/name: {error}") from error
        if parsed.get_backend_name() != "postgresql":
            raise UsageError(f"PostgresDb takes a URL that begins with postgresql://, not {parsed.drivername}://")
        self.url = parsed.set(drivername="postgresql+psycopg")
        super().__init__(blobs=blobs, durability=durability)

    def __repr__(self) -> str:
        return f"PostgresDb({self.label!r})"

    @property
    def label(self) -> str:
        """The URL without its password."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=True)

    @property
    def place(self) -> str:
        """The URL with its password."""
        return self.url.render_as_string(hide_password=False)

    def _connect(self) -> sa.Engine:
        return sa.create_engine(
            self.url,
            pool_size=_POOL,
            max_overflow=_OVERFLOW,
            pool_timeout=60,
            connect_args={"connect_timeout": _CONNECT_SECONDS, "application_name": "nightdrop"},
        )

    def _own_blobs(self) -> Blobs:
        return TableBlobs(lambda: self.engine)
