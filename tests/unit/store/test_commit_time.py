"""How long commits take is measured, the wait for another program's lock included."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from nightdrop.store import SqliteDb
from nightdrop.store.writer import Writer


def test_commits_that_wait_for_another_program_are_measured(tmp_path: Path) -> None:
    db = SqliteDb(tmp_path / "busy.db")
    with db.read():
        pass
    writer = Writer(db)
    try:
        for _ in range(5):
            writer.submit(lambda _: None).result(timeout=30)
        usual = writer.seconds
        with closing(sqlite3.connect(db.path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            release = threading.Timer(1.5, lambda: other.execute("ROLLBACK"))
            release.start()
            started = time.monotonic()
            writer.submit(lambda _: None).result(timeout=30)
            waited = time.monotonic() - started
            release.join()
    finally:
        writer.close()
        db.close()
    assert waited > 1.0
    assert writer.seconds > usual + 0.2
