"""Opening a database: lazily, migrated once, whoever comes first."""

from __future__ import annotations

import logging
import multiprocessing
import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from nightdrop import SqliteDb, UsageError
from nightdrop.errors import StorageFailed
from nightdrop.store.migrate import SCHEMA_VERSION, schema_version
from nightdrop.store.tables import documents, metadata


def test_nothing_is_made_before_it_is_used(tmp_path: Path) -> None:
    db = SqliteDb(tmp_path / "n.db")
    assert list(tmp_path.iterdir()) == []
    with db.read() as connection:
        assert schema_version(connection) == SCHEMA_VERSION
    assert set(metadata.tables) <= set(sa.inspect(db.engine).get_table_names())
    db.close()


def test_wal_is_on_and_power_means_full(tmp_path: Path) -> None:
    for durability, synchronous in (("process", 1), ("power", 2)):
        db = SqliteDb(tmp_path / f"{durability}.db", durability=durability)  # type: ignore[arg-type]
        with db.read() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == synchronous
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30000
        db.close()
    with pytest.raises(UsageError, match="durability='never'"):
        SqliteDb(tmp_path / "n.db", durability="never")  # type: ignore[arg-type]


def test_a_failed_write_leaves_nothing_and_the_database_usable(db: SqliteDb) -> None:
    row = {"sha256": "a", "size": 1, "mime_type": "t", "location": "l", "created_at": 1}

    def broken() -> None:
        with db.write() as connection:
            connection.execute(sa.insert(documents).values(row))
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        broken()
    with db.write() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(documents)) == 0
        connection.execute(sa.insert(documents).values(row))
    db.close()
    with db.read() as connection:
        assert connection.scalar(sa.select(documents.c.sha256)) == "a"


def test_a_read_only_database_says_so_on_write(tmp_path: Path) -> None:
    db = SqliteDb(tmp_path / "n.db")
    with db.read():
        pass

    def forbidden() -> None:
        with db.write() as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")
            connection.execute(sa.delete(documents))

    with pytest.raises(StorageFailed, match=r"^storage_failed: cannot write to .*n\.db"):
        forbidden()
    db.close()


def test_many_threads_open_it_at_once(tmp_path: Path) -> None:
    db = SqliteDb(tmp_path / "n.db")
    found: list[str | None] = []
    barrier = threading.Barrier(8)

    def use() -> None:
        barrier.wait()
        with db.read() as connection:
            found.append(schema_version(connection))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [SCHEMA_VERSION] * 8
    db.close()


def _open(path: str, barrier: object, out: object) -> None:
    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("alembic").addHandler(handler)
    logging.getLogger("alembic").setLevel(logging.INFO)
    barrier.wait()  # type: ignore[attr-defined]
    db = SqliteDb(path)
    with db.read() as connection:
        version = schema_version(connection)
    db.close()
    out.put((version, sum("Running upgrade" in record for record in records)))  # type: ignore[attr-defined]


def test_two_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, out = context.Barrier(2), context.Queue()
    place = str(tmp_path / "n.db")
    both = [context.Process(target=_open, args=(place, barrier, out)) for _ in range(2)]
    for process in both:
        process.start()
    answers = [out.get(timeout=60) for _ in both]
    for process in both:
        process.join(60)
    assert [version for version, _ in answers] == [SCHEMA_VERSION] * 2
    steps = len(list(Path("src/nightdrop/store/migrations/versions").glob("0*.py")))
    assert sorted(count for _, count in answers) == [0, steps]
    with sqlite3.connect(place) as connection:
        assert connection.execute("SELECT version_num FROM nightdrop_schema").fetchall() == [(SCHEMA_VERSION,)]
    connection.close()
