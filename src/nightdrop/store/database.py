"""The database: it opens lazily, migrates once and hands out read and write connections. SqliteDb is one kind."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import SchemaOutdated, StorageFailed, UsageError
from nightdrop.settings import Durability
from nightdrop.store.blobs import Blobs, BlobStore
from nightdrop.store.migrate import migrate
from nightdrop.store.turns import TURNS, came_second

if TYPE_CHECKING:
    from nightdrop.records.cost import Costs
    from nightdrop.store.costs import CostKey
    from nightdrop.store.letters import DeadLetters
    from nightdrop.store.provider_desk import Providers
    from nightdrop.store.reviews import Reviews
    from nightdrop.store.sinks import Sinks
    from nightdrop.store.webhooks import Webhooks

T = TypeVar("T")

_BUSY_MS = 30_000
_WAL_PAUSE_SECONDS = 0.01

FAILED = (sa.exc.OperationalError, sa.exc.InternalError, sa.exc.InterfaceError)
"""What a driver raises when the database itself fails: gone, full, read-only, locked too long."""


class Database:
    """One database with its blobs. Subclasses say how to connect; opened on first use, safe from any thread."""

    def __init__(self, *, blobs: str | None, durability: Durability) -> None:
        if durability not in ("process", "power"):
            raise UsageError(f"durability={durability!r}: choose 'process' or 'power'")
        self.durability: Durability = durability
        self.blobs: Blobs = self._own_blobs() if blobs is None else BlobStore(blobs, fsync=durability == "power")
        self.before_close: list[Callable[[], None]] = []
        self._engine: sa.Engine | None = None
        self._lock = threading.Lock()

    @property
    def label(self) -> str:
        """The database as a person names it: a path, or a URL without its password."""
        raise NotImplementedError

    @property
    def place(self) -> str:
        """What opens the same database in another process: a path, or a URL with its password."""
        return self.label

    @property
    def own_paths(self) -> list[str]:
        """Local files and folders that belong to the database: never documents, wherever they lie."""
        return [self.blobs.root] if isinstance(self.blobs, BlobStore) and self.blobs.is_local else []

    @property
    def dead_letters(self) -> DeadLetters:
        """What could not be processed: list, replay, discard, assign."""
        from nightdrop.store.letters import DeadLetters  # it works on a Database, and is rarely asked for

        return DeadLetters(self)

    def costs(
        self,
        by: CostKey = "model",
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        agent: str | None = None,
    ) -> Costs:
        """The ledger of model calls summed under each key, and in all.

        since, until: calls opened from since on and before until, with a time zone. agent: only of this agent.
        Raises UsageError for an unknown key and a time without a zone, StorageFailed when the database cannot be read.
        """
        from nightdrop.store.costs import COST_KEYS, CallFilter, costs  # rarely asked for

        if by not in COST_KEYS:
            raise UsageError(f"costs by {by!r}: give one of {', '.join(COST_KEYS)}")
        if any(moment is not None and moment.tzinfo is None for moment in (since, until)):
            raise UsageError("since and until need a time zone: datetime(2026, 3, 1, tzinfo=UTC)")
        with self.read() as connection:
            return costs(connection, by, CallFilter(since=since, until=until, agent=agent))

    @property
    def providers(self) -> Providers:
        """Which providers are paused, and what was found out about their limits."""
        from nightdrop.store.provider_desk import Providers  # it works on a Database, and is rarely asked for

        return Providers(self)

    @property
    def sinks(self) -> Sinks:
        """Where results are put outside, and what is on its way there."""
        from nightdrop.store.sinks import Sinks  # it works on a Database, and is rarely asked for

        return Sinks(self)

    @property
    def webhooks(self) -> Webhooks:
        """Who is told of ends and dead letters, and what became of each delivery."""
        from nightdrop.store.webhooks import Webhooks  # it works on a Database, and is rarely asked for

        return Webhooks(self)

    @property
    def reviews(self) -> Reviews:
        """Values that wait for a person, and what was decided."""
        from nightdrop.store.reviews import Reviews  # it is made of this class

        return Reviews(self)

    @property
    def engine(self) -> sa.Engine:
        """The SQLAlchemy engine, migrated. Raises StorageFailed when the database cannot be opened."""
        with self._lock:
            if self._engine is None:
                engine = self._connect()
                try:
                    migrate(engine)
                except sa.exc.DBAPIError as error:
                    engine.dispose()
                    raise StorageFailed(f"cannot open {self.label}: {error.orig}") from error
                except SchemaOutdated:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading, each statement for itself. Raises StorageFailed when it cannot."""
        try:
            with self.engine.connect() as connection:
                if connection.dialect.name != "sqlite":  # no BEGIN and ROLLBACK: two round trips less
                    connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                yield connection
        except FAILED as error:
            raise StorageFailed(f"cannot read {self.label}: {error.orig}") from error

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A write transaction, committed at the end. On SQLite it holds the write lock from its first line.

        Raises StorageFailed when it cannot be written (disk full, read-only, locked too long).
        """
        try:
            with self.engine.begin() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
        except FAILED as error:
            raise StorageFailed(f"cannot write to {self.label}: {error.orig}") from error

    def transact(self, operation: Callable[[sa.Connection], T]) -> T:
        """Run an operation in a write transaction of its own; again when it only met another process's.

        Raises what the operation raises, and StorageFailed when the database cannot be written.
        """
        for _ in range(TURNS - 1):
            try:
                with self.write() as connection:
                    return operation(connection)
            except (sa.exc.DBAPIError, StorageFailed) as error:
                if not came_second(error):
                    raise
        with self.write() as connection:
            return operation(connection)

    def close(self) -> None:
        """Stop what runs on it in this process and give back every connection. The next use opens it again."""
        while self.before_close:
            self.before_close.pop()()
        with self._lock:
            if self._engine is not None:
                sa.event.listen(self._engine, "checkin", _close_late)  # before: the old pool must hear of it too
                self._engine.dispose()
                self._engine = None

    def _connect(self) -> sa.Engine:
        raise NotImplementedError

    def _own_blobs(self) -> Blobs:
        """Where bytes are kept when nobody says."""
        raise NotImplementedError


def _close_late(connection: Any, _record: Any) -> None:
    """A thread that was still at it gives its connection back to a closed database: nobody else would close it."""
    if connection is not None:
        connection.close()


class SqliteDb(Database):
    """A SQLite file in WAL mode; documents' bytes in `<path>.blobs/` unless `blobs=` names another place.

    path: the file, made when missing. blobs: a folder or any fsspec URL. durability: "process" survives the
    death of any process; "power" also fsyncs, to survive power loss.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, blobs: str | None = None, durability: Durability = "process"
    ) -> None:
        self.path = Path(path).absolute()
        super().__init__(blobs=blobs or f"{self.path}.blobs", durability=durability)

    def __repr__(self) -> str:
        return f"SqliteDb({str(self.path)!r})"

    @property
    def label(self) -> str:
        """The path of the file."""
        return str(self.path)

    @property
    def own_paths(self) -> list[str]:
        """The file, what SQLite puts beside it, and the blobs."""
        return [*super().own_paths, *[f"{self.path}{ending}" for ending in ("", "-wal", "-shm", "-journal")]]

    def _connect(self) -> sa.Engine:
        if not self.path.parent.is_dir():
            raise UsageError(f"cannot open {self.path}: the folder {self.path.parent} does not exist")
        engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(self.path)), pool_size=32, max_overflow=96, pool_timeout=60
        )
        synchronous = "FULL" if self.durability == "power" else "NORMAL"

        @sa.event.listens_for(engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            connection.isolation_level = "IMMEDIATE"
            connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
            _use_wal(connection)
            connection.execute(f"PRAGMA synchronous={synchronous}")
            connection.execute("PRAGMA foreign_keys=ON")
            # Hashes land all over their indexes: with SQLite's usual 2 MB of cache and 4 MB of log, a large batch
            # is accepted a quarter slower than a small one.
            connection.execute("PRAGMA cache_size=-32768")
            connection.execute("PRAGMA wal_autocheckpoint=8000")

        return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to WAL. SQLite's busy timeout does not cover this switch: two processes that start at once on
    a new database would meet here, and one would fail."""
    deadline = clock.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or clock.monotonic() > deadline:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return
