"""While another program holds SQLite's write lock again and again, fewer runs are in hand, and all of them end."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nightdrop import SqliteDb
from nightdrop.store import Database
from nightdrop.testing import SimulatedProvider
from tests.conftest import rows_at
from tests.fundamentals.conftest import MESSAGE, until
from tests.fundamentals.test_who_is_next import agent_on, slow

__all__ = ["slow"]


def test_while_commits_are_slow_fewer_runs_are_in_hand(db: Database, slow: SimulatedProvider, invoices: Any) -> None:
    if not isinstance(db, SqliteDb):
        pytest.skip("it is SQLite that has one lock for all writers")
    agent = agent_on(db)
    nightly = agent.batch(invoices(140, "nightly"), MESSAGE)
    until(lambda: nightly.progress().done >= 4)
    until(lambda: _in_hand(db) >= 24)
    stop = threading.Event()
    holder = threading.Thread(target=_hold, args=(db.path, stop))
    holder.start()
    try:
        until(lambda: _in_hand(db) <= 20, 90)  # otherwise more are taken when 24 are left
    finally:
        stop.set()
        holder.join()
    assert nightly.wait(timeout=90).failed == 0
    assert rows_at(db.place, "SELECT DISTINCT status FROM nightdrop_runs") == [("COMPLETED",)]


def _in_hand(db: Database) -> int:
    query = "SELECT count(*) FROM nightdrop_runs WHERE executor_id IS NOT NULL AND status IN ('PENDING', 'RUNNING')"
    return int(rows_at(db.place, query)[0][0])


def _hold(path: Path, stop: threading.Event) -> None:
    """Another program that holds the write lock for more than a second, again and again."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        while not stop.is_set():
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(1.2)
            connection.execute("ROLLBACK")
            time.sleep(0.25)  # longer than SQLite waits between two tries
