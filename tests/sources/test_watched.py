"""A watch of a server: what is new is taken once, and put away after the commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nightdrop import Agent, SqliteDb
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text
from tests.fundamentals.watching import watching
from tests.sources.drop import Drop

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    db = SqliteDb(tmp_path / "nightdrop.db")
    yield Agent(id="watched", model="local", output_schema=Invoice, db=db)
    db.close()


def test_a_server_is_watched_as_a_folder_is(drop: Drop, agent: Agent) -> None:
    drop.write("1.txt", invoice_text(1).encode())
    drop.write("bad.txt", b"")
    with watching(agent, drop.url, once=True, after="move:done/") as told:
        assert sorted(told.files) == ["1.txt", "bad.txt"]
        assert drop.names() == {"done/1.txt", "bad.txt"}
    drop.write("2.txt", invoice_text(2).encode())
    with watching(agent, drop.url, once=True, after="move:done/") as told:
        assert told.files == ["2.txt"]
        assert drop.names() == {"done/1.txt", "done/2.txt", "bad.txt"}
