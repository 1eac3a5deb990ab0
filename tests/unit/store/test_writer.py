"""The one writing thread: grouped commits, each operation wholly or not at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import sqlalchemy as sa

from nightdrop import SqliteDb
from nightdrop.errors import StorageFailed
from nightdrop.store.tables import documents
from nightdrop.store.writer import Writer

Operation = Callable[[sa.Connection], Any]


@pytest.fixture
def writer(db: SqliteDb) -> Iterator[Writer]:
    """A writer on an open database."""
    with db.read():
        pass
    made = Writer(db)
    yield made
    made.close()


def keep(name: str) -> Operation:
    """Stores a row of this name and returns the name."""

    def operation(connection: sa.Connection) -> str:
        connection.execute(sa.insert(documents).values(sha256=name, size=1, mime_type="t", location="l", created_at=1))
        return name

    return operation


def fails(connection: sa.Connection) -> None:
    keep("half")(connection)
    raise KeyError("mine")


def stored(db: SqliteDb) -> set[str]:
    with db.read() as connection:
        return set(connection.scalars(sa.select(documents.c.sha256)))


def as_a_group(writer: Writer, *operations: Operation) -> list[Future[Any]]:
    """Submit while the thread is held, so that all of them come into one commit."""
    holding, go = threading.Event(), threading.Event()

    def hold(_connection: sa.Connection) -> None:
        holding.set()
        assert go.wait(30)

    writer.submit(hold)
    assert holding.wait(30)
    futures = [writer.submit(operation) for operation in operations]
    go.set()
    return futures


def test_a_result_comes_after_its_commit(writer: Writer, db: SqliteDb) -> None:
    assert writer.submit(keep("a")).result(30) == "a"
    assert stored(db) == {"a"}


def test_a_failing_operation_in_a_group_harms_nobody_else(writer: Writer, db: SqliteDb) -> None:
    first, broken, clash, last = as_a_group(writer, keep("a"), fails, keep("a"), keep("b"))
    assert (first.result(30), last.result(30)) == ("a", "b")
    with pytest.raises(KeyError, match="mine"):
        broken.result(30)
    with pytest.raises(sa.exc.IntegrityError):
        clash.result(30)
    assert stored(db) == {"a", "b"}


def test_a_lone_operation_fails_as_itself_and_wholly(writer: Writer, db: SqliteDb) -> None:
    with pytest.raises(KeyError, match="mine"):
        writer.submit(fails).result(30)
    assert stored(db) == set()


def test_a_failing_commit_reaches_every_waiter(writer: Writer, db: SqliteDb) -> None:
    """When the database itself fails, nobody of the group is told that his row was stored."""

    def disk_full(connection: sa.Connection) -> None:
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql("SET temp_file_limit = '1kB'")
            connection.exec_driver_sql(
                "CREATE TEMP TABLE big ON COMMIT DROP AS "
                "SELECT g, repeat('x', 1000) FROM generate_series(1, 20000) g ORDER BY random()"
            )
        connection.exec_driver_sql("PRAGMA max_page_count=1")
        connection.exec_driver_sql("CREATE TABLE big AS SELECT zeroblob(10000000) AS b")

    futures = as_a_group(writer, keep("a"), disk_full, keep("b"))
    for future in futures:
        with pytest.raises(StorageFailed, match=r"full|temp_file_limit"):
            future.result(30)
    assert stored(db) == set()


def test_the_writer_outlives_every_failure(writer: Writer, db: SqliteDb) -> None:
    for _ in range(3):
        with pytest.raises(KeyError):
            writer.submit(fails).result(30)
    assert writer.submit(keep("a")).result(30) == "a"


async def test_a_cancelled_wait_does_not_undo_the_write(writer: Writer, db: SqliteDb) -> None:
    waits = [asyncio.create_task(writer.write(keep(str(n)))) for n in range(20)]
    await asyncio.sleep(0)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    assert await writer.write(keep("last")) == "last"
    assert stored(db) == {"last", *map(str, range(20))}


def test_a_cancelled_future_does_not_end_the_thread(writer: Writer, db: SqliteDb) -> None:
    first, second, third = as_a_group(writer, keep("a"), keep("b"), keep("c"))
    second.cancel()
    assert (first.result(30), third.result(30)) == ("a", "c")
    assert writer.submit(keep("d")).result(30) == "d"


def test_closing_finishes_what_is_queued(db: SqliteDb) -> None:
    writer = Writer(db)
    futures = [writer.submit(keep(str(n))) for n in range(200)]
    writer.close()
    assert [future.result(0) for future in futures] == [str(n) for n in range(200)]
    assert len(stored(db)) == 200


def test_what_comes_after_the_end_is_refused_and_does_not_wait_for_ever(db: SqliteDb) -> None:
    writer = Writer(db)
    writer.close()
    with pytest.raises(StorageFailed, match="closed"):
        writer.submit(keep("late"))
