"""A large batch holds up neither a single run nor a small batch, and slow commits leave fewer runs in hand."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, RateLimit, RunStatus, SqliteDb, UsageError
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.testing import SimulatedProvider
from tests.conftest import rows_at
from tests.fundamentals.conftest import MESSAGE, document, until

LARGE = 240


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedProvider]:
    """A provider that takes 0.15 s."""
    with SimulatedProvider(latency=0.15) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def agent_on(db: Database) -> Agent:
    return Agent(
        id=f"shared-{uuid.uuid4().hex[:8]}",
        model="openai-chat:gpt-4o-mini",
        output_schema=Invoice,
        limits=RateLimit(concurrency=4),
        db=db,
    )


def test_a_single_run_and_a_small_batch_are_not_behind_a_large_one(
    db: Database, slow: SimulatedProvider, invoices: Any, tmp_path: Path
) -> None:
    agent = agent_on(db)
    nightly = agent.batch(invoices(LARGE, "nightly"), MESSAGE)
    until(lambda: nightly.progress().done >= 4)
    single = agent.run("Another question.", files=[document(1)])
    assert single.status is RunStatus.COMPLETED
    assert nightly.progress().done < LARGE // 2
    small = agent.batch(invoices(8, "small"), "Only these.")
    assert small.wait(timeout=60).failed == 0
    assert nightly.progress().done < LARGE - 60, "the small batch waited for the large one"
    nightly.cancel()


def test_a_priority_is_kept_and_said_and_wrong_ones_are_refused(db: Database, invoices: Any) -> None:
    agent = Agent(id=f"local-{uuid.uuid4().hex[:8]}", model="local", output_schema=Invoice, db=db)
    folder = invoices(2)
    batch = agent.batch(folder, MESSAGE, priority=3, weight=7)
    done = batch.wait(timeout=60)
    assert (done.priority, done.weight, done.done) == (3, 7, 2)
    assert done.to_json()["weight"] == 7
    for wrong in ({"weight": 0}, {"priority": -1}, {"weight": 1001}):
        with pytest.raises(UsageError, match="give a whole number from"):
            agent.batch(folder, "x", **wrong)


def test_while_commits_are_slow_fewer_runs_are_in_hand(db: Database, slow: SimulatedProvider, invoices: Any) -> None:
    if not isinstance(db, SqliteDb):
        pytest.skip("it is SQLite that has one lock for all writers")
    agent = agent_on(db)
    nightly = agent.batch(invoices(100, "nightly"), MESSAGE)
    until(lambda: nightly.progress().done >= 4)
    until(lambda: _in_hand(db) >= 24)
    stop = threading.Event()
    holder = threading.Thread(target=_hold, args=(db.path, stop))
    holder.start()
    try:
        until(lambda: _in_hand(db) <= 14, 60)  # half a second of a second and a half, of 32
    finally:
        stop.set()
        holder.join()
    assert nightly.wait(timeout=90).failed == 0
    assert rows_at(db.place, "SELECT DISTINCT status FROM nightdrop_runs") == [("COMPLETED",)]


def _in_hand(db: Database) -> int:
    query = "SELECT count(*) FROM nightdrop_runs WHERE executor_id IS NOT NULL AND status IN ('PENDING', 'RUNNING')"
    return int(rows_at(db.place, query)[0][0])


def _hold(path: Path, stop: threading.Event) -> None:
    """Another program that holds the write lock for a second and a half, again and again."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        while not stop.is_set():
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(1.5)
            connection.execute("ROLLBACK")
            time.sleep(0.05)
