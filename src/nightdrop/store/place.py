"""A database by where it is: a path or a URL, as commands and settings name it."""

from __future__ import annotations

from nightdrop.errors import UsageError
from nightdrop.store.database import Database, SqliteDb
from nightdrop.store.postgres import PostgresDb


def database_at(place: str) -> Database:
    """`postgresql://...` is a PostgresDb; a path or `sqlite:///path` is a SqliteDb. Raises UsageError for others."""
    scheme, separator, _ = place.partition("://")
    if not separator or scheme == "sqlite":
        return SqliteDb(place.removeprefix("sqlite:///"))
    if scheme.partition("+")[0] in ("postgresql", "postgres"):
        return PostgresDb(place)
    raise UsageError(f"{place}: a database is a path, or a URL that begins with postgresql://")
