"""Our tables and the bytes: the truth, and the only thing that is read."""

from nightdrop.store.database import Database, SqliteDb
from nightdrop.store.postgres import PostgresDb

__all__ = ["Database", "PostgresDb", "SqliteDb"]
