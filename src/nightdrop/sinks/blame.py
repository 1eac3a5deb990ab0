"""Who is to blame when a result could not be put: the sink, the result, or nobody knows yet."""

from __future__ import annotations

import errno
from enum import StrEnum

import httpx2
import sqlalchemy as sa

from nightdrop.errors import NightdropError


class Blame(StrEnum):
    """SINK: it is down, and everything else would fail as well. RESULT: it alone is refused. UNKNOWN: either."""

    SINK = "sink"
    RESULT = "result"
    UNKNOWN = "unknown"


class Refused(Exception):
    """The sink has understood this result and does not take it."""


class Unclear(Exception):
    """The sink has failed and did not say whether that is about this result."""


class Down(Exception):
    """The sink takes nothing now. retry_after: seconds that it asks to be left alone."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


_SINK = (ConnectionError, TimeoutError, NightdropError, Down, httpx2.TransportError, sa.exc.TimeoutError)
_RESULT = (Refused, IsADirectoryError, ValueError, sa.exc.DataError, sa.exc.IntegrityError)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENETUNREACH, errno.EHOSTUNREACH)
_SQLITE = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")
_STATES = ("08", "25", "28", "53", "57", "58")  # SQLSTATE classes: connection, read only, login, full, shut down, disk


def blame(error: Exception) -> Blame:
    """Judge by the error alone; what it leaves open is told by whether the sink takes other results."""
    if isinstance(error, sa.exc.DBAPIError) and _database_is_down(error):
        return Blame.SINK
    if isinstance(error, _RESULT):
        return Blame.RESULT
    if isinstance(error, _SINK) or (isinstance(error, OSError) and error.errno in _FULL):
        return Blame.SINK
    return Blame.RESULT if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG else Blame.UNKNOWN


def words_of(error: Exception) -> str:
    """An error for a row and a log line."""
    if isinstance(error, Refused | Unclear | Down):
        return str(error)
    return f"{type(error).__name__}: {getattr(error, 'orig', None) or error}"


def _database_is_down(error: sa.exc.DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    name = getattr(error.orig, "sqlite_errorname", None)
    unreached = isinstance(error, sa.exc.OperationalError) and state is None and name is None
    told = (state or "").startswith(_STATES) or (name or "").startswith(_SQLITE)
    return error.connection_invalidated or isinstance(error, sa.exc.InterfaceError) or told or unreached
