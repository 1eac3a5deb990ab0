"""Files on a server that somebody is still writing: they wait, and are taken whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, SqliteDb
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text
from tests.sources.serve import PASSWORD
from tests.sources.servers import sftp
from tests.sources.test_through_the_doors import Night

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # clients leave it to the GC


@pytest.fixture
def agent(tmp_path: Path) -> Any:
    db = SqliteDb(tmp_path / "nightdrop.db")
    yield Agent(id="remote", model="local", output_schema=Invoice, db=db)
    db.close()


def test_a_file_waits_until_nobody_has_written_to_it_for_a_while(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sftp(tmp_path) as drop:
        (tmp_path / "sources.toml").write_text(drop.toml())
        monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
        monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
        night = Night(agent, {"message": "Extract.", "files": drop.url, "settle_seconds": 60})
        text = invoice_text(7)
        growing = tmp_path / "served" / "in" / "growing.txt"

        def written(content: str, seconds_before_the_fire: int, night_number: int) -> None:
            growing.write_text(content)
            at = night.start / 1000 + (night_number * 24 + 2) * 3600 - seconds_before_the_fire
            os.utime(growing, (at, at))

        drop.write("done.txt", invoice_text(1).encode())
        written(text[:40], 10, 0)
        assert night.fire(0) == ("success", 1)  # the other one
        written(text, 10, 1)
        assert night.fire(1) == ("success", 0)
        written(text, 61, 2)
        assert night.fire(2) == ("success", 1)
        night.stop()
