"""Making deleted text really go from the database's own files: SQLite and Postgres leave it in free space."""

from __future__ import annotations

import time

from nightdrop import clock
from nightdrop.errors import StorageFailed
from nightdrop.store.database import FAILED, Database

_TABLES = (
    *("runs", "steps", "run_files", "dead_letters", "model_calls", "batch_items", "reviews", "documents"),
    "blob_chunks",
)
_WAIT_SECONDS, _PAUSE_SECONDS = 30.0, 0.1


def erase_free_space(db: Database) -> None:
    """Rewrite the file without its free space (VACUUM) and empty its log. Raises StorageFailed when others read on."""
    try:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.detach()  # opened for this alone: a pooled one would keep autocommit
            if connection.dialect.name != "sqlite":
                for table in _TABLES:
                    connection.exec_driver_sql(f"VACUUM nightdrop_{table}")
                return
            connection.exec_driver_sql("VACUUM")
            deadline = clock.monotonic() + _WAIT_SECONDS
            while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0] != 0:
                if clock.monotonic() > deadline:
                    raise StorageFailed(f"{db.label} is being read: its log still holds old text; run forget again")
                time.sleep(_PAUSE_SECONDS)
    except FAILED as error:
        raise StorageFailed(f"cannot rewrite {db.label}: {error.orig}; run forget again") from error
