"""Our tables and the bytes: the truth, and the only thing that is read."""

from nightdrop.store.database import Database, SqliteDb

__all__ = ["Database", "SqliteDb"]
