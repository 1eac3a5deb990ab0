"""Whether anything was written to a database since one looked: on SQLite that can be asked for nearly nothing."""

from __future__ import annotations

import contextlib
import sqlite3

from nightdrop import clock
from nightdrop.store.database import Database, SqliteDb

_LOOK_SECONDS = 0.5


class Changes:
    """For a loop that looks often: a look that found nothing need not be repeated while nobody writes, in no process.

    Only for half a second, since some rows come due by time. On Postgres every look has to be made. Used by one thread.
    """

    def __init__(self, db: Database) -> None:
        self._connection: sqlite3.Connection | None = None
        if isinstance(db, SqliteDb):
            self._connection = sqlite3.connect(db.path, timeout=0, isolation_level=None, check_same_thread=False)
        self._before: int | None = None
        self._seen: int | None = None
        self._until = 0.0

    def look(self) -> None:
        """A look begins."""
        self._before, self._seen = self._version(), None

    def found_nothing(self) -> None:
        """The look that has begun last found nothing."""
        self._seen, self._until = self._before, clock.monotonic() + _LOOK_SECONDS

    def forget(self) -> None:
        """What is looked for has changed: the next look has to be made."""
        self._before = self._seen = None

    @property
    def none(self) -> bool:
        """Whether another look would find nothing either."""
        return self._seen is not None and clock.monotonic() < self._until and self._version() == self._seen

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _version(self) -> int | None:
        """A number that every commit of another connection changes, in whichever process; None: not known."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):  # locked for a moment, or gone: then one looks
                return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        return None
