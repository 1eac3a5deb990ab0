"""What every test may use: databases of their own, sample documents, and the command line as a real process."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nightdrop import SqliteDb
from nightdrop.store import Database
from nightdrop.store.place import database_at
from tests.forked import FRESH, Forked
from tests.postgres import new_database, rows

os.environ.setdefault("NIGHTDROP_OCR_PAGES", "0")  # seconds a page: tests that are about it turn it on
CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


@pytest.fixture
def corpus() -> Path:
    """Real documents with expected values; not part of the repository."""
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real documents is not here")
    return CORPUS


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new database of this test's own is: a path, or the URL of a real Postgres database."""
    return str(tmp_path / "nightdrop.db") if request.param == "sqlite" else new_database()


@pytest.fixture
def db(place: str) -> Iterator[Database]:
    """A database of this test's own, of either kind; what runs on it is stopped at the end."""
    database = database_at(place)
    yield database
    database.close()


@pytest.fixture
def sqlite_db(tmp_path: Path) -> Iterator[SqliteDb]:
    """`db` for what is about SQLite alone."""
    database = SqliteDb(tmp_path / "nightdrop.db")
    yield database
    database.close()


def change_at(place: str, sql: str) -> None:
    """Change a database itself, past the library."""
    engine = database_at(place).engine
    with engine.begin() as connection:
        connection.exec_driver_sql(sql)
    engine.dispose()


def rows_at(place: str, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Ask a database itself, past the library."""
    if "://" in place:
        return rows(place, sql, values)
    with closing(sqlite3.connect(place)) as connection:
        return connection.execute(sql, values).fetchall()


def invoice_text(number: int) -> str:
    """A small text invoice that the local reader understands; each number gives another document."""
    net = 100 + number
    return (
        f"Invoice number: INV-{number:05}\nInvoice date: 2026-03-{number % 28 + 1:02}\n"
        f"Net amount: {net}.00 EUR\nTotal: {net}.00 EUR\n"
    )


def scan_png() -> bytes:
    """A valid picture without any text: what the local reader cannot read."""
    out = io.BytesIO()
    Image.new("RGB", (40, 40), "white").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def invoices(tmp_path: Path) -> Any:
    """Writes `count` distinct text invoices into a folder and returns it."""

    def write(count: int, name: str = "incoming") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for number in range(count):
            (folder / f"invoice-{number:05}.txt").write_text(invoice_text(number))
        return folder

    return write


def nightdrop(*args: str | Path, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """Start the real command line as a process of its own; `stderr` is a file, since a full pipe would stop it."""
    return _started(None, args, env, options)


def python(program: str, *args: str | Path, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """Start a few lines of Python in the same way."""
    return _started(program, args, env, options)


def _started(
    program: str | None, given: tuple[str | Path, ...], more: dict[str, str] | None, options: dict[str, Any]
) -> subprocess.Popen[str]:
    args, env = list(map(str, given)), {**os.environ, "COLUMNS": "200", **(more or {})}
    process: subprocess.Popen[str]
    with tempfile.NamedTemporaryFile("w", prefix="nightdrop-stderr-", delete=False) as said:
        if FRESH:
            command = [sys.executable, *(["-m", "nightdrop"] if program is None else ["-c", program]), *args]
            process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=said, text=True, **options)
        else:
            process = Forked(args, program=program, env=env, stderr=Path(said.name), **options)
    _said[process] = Path(said.name)
    return process


_said: weakref.WeakKeyDictionary[subprocess.Popen[str], Path] = weakref.WeakKeyDictionary()
"""Where the processes that `nightdrop` and `python` started write their stderr."""


def said_so_far(process: subprocess.Popen[str]) -> str:
    """What a process that `nightdrop` or `python` started has written to its stderr."""
    return _said[process].read_text()


def finished(process: subprocess.Popen[str], timeout: float = 120) -> tuple[int, str, str]:
    """Wait for a process: (exit code, stdout, stderr)."""
    out, err = process.communicate(timeout=timeout)
    if (said := _said.pop(process, None)) is not None:
        err = said.read_text()
        said.unlink()
    return process.returncode, out, err
