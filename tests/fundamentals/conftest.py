"""Agents on databases of their own, and a look at the rows they leave."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nightdrop import Agent, File
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.store.place import database_at
from tests.conftest import invoice_text
from tests.fundamentals.sink_places import outside, sink_name  # noqa: F401 - fixtures
from tests.postgres import new_database

MESSAGE = "Extract this invoice."


def document(number: int) -> File:
    """A small text invoice as bytes in memory; each number gives another document."""
    return File(content=invoice_text(number).encode(), filename=f"invoice-{number:05}.txt")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A new database for the tests of a file, once of each kind."""
    return str(tmp_path_factory.mktemp("db") / "nightdrop.db") if request.param == "sqlite" else new_database()


@pytest.fixture(scope="module")
def db(place: str) -> Iterator[Database]:
    """One database for the tests of a file (starting and stopping one costs a second); agents keep them apart."""
    database = database_at(place)
    yield database
    database.close()


@pytest.fixture
def agent(db: Database) -> Agent:
    """An agent that stores what it does, with an id of this test's own."""
    return Agent(id=f"invoices-{uuid.uuid4().hex[:8]}", model="local", output_schema=Invoice, db=db)


@pytest.fixture
def plain_agent() -> Agent:
    """An agent without a database."""
    return Agent(id="invoices", model="local", output_schema=Invoice)


Query = Callable[..., list[tuple[Any, ...]]]

_VIEWS = """
CREATE TEMP VIEW runs AS SELECT * FROM nightdrop_runs WHERE subject_id = '{agent}';
CREATE TEMP VIEW batches AS SELECT * FROM nightdrop_batches WHERE subject_id = '{agent}';
CREATE TEMP VIEW files AS SELECT f.* FROM nightdrop_run_files f JOIN runs USING (run_id);
CREATE TEMP VIEW documents AS SELECT * FROM nightdrop_documents WHERE sha256 IN (SELECT sha256 FROM files);
CREATE TEMP VIEW letters AS SELECT l.* FROM nightdrop_dead_letters l JOIN runs USING (run_id);
"""


@pytest.fixture
def query(db: Database, place: str, agent: Agent) -> Query:
    """Asks the database itself, past the library: views `runs`, `files`, ... hold what is this agent's."""
    with db.read():
        pass  # the tables exist from here on
    views = _VIEWS.format(agent=agent.id)

    def ask(sql: str, *values: Any) -> list[tuple[Any, ...]]:
        if "://" in place:
            with psycopg.connect(place) as postgres:
                postgres.execute(views)
                return postgres.execute(sql.replace("?", "%s"), values).fetchall()
        with closing(sqlite3.connect(place)) as connection:
            connection.executescript(views)
            return connection.execute(sql, values).fetchall()

    return ask


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """The condition's value once it is true; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return value


async def until_async(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """`until` for async tests."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.02)
    return value


@pytest.fixture
def frozen_readers(plain_agent: Agent) -> Iterator[None]:
    """The processes that read documents stand still (SIGSTOP), so that runs stay open until the test is over."""

    async def warm() -> None:
        await asyncio.gather(*[plain_agent.arun(files=[document(900_000 + n)]) for n in range(16)])

    asyncio.run(warm())
    assert _signal_readers(signal.SIGSTOP), "no reader process was found"
    yield
    thaw()


def thaw() -> None:
    """Let the readers go on."""
    _signal_readers(signal.SIGCONT)


def _signal_readers(number: signal.Signals) -> int:
    readers = _reader_pids()
    for pid in readers:
        os.kill(pid, number)
    return len(readers)


def _reader_pids() -> list[int]:
    found = []
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            command = (place / "cmdline").read_bytes()
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if b"nightdrop.documents.child" in command and int(parent) == os.getpid():
            found.append(int(place.name))
    return found
