"""A source of very many keys, through every door: listed no further ahead than a few chunks of what is taken in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx2
import pytest

from nightdrop import Agent, AgentOS, SqliteDb
from nightdrop.schemas import Invoice
from tests.conftest import finished, nightdrop
from tests.http.conftest import running
from tests.http.conftest import until as until_true
from tests.sources.test_through_the_doors import Night

COUNT = 3000
FEW = 1500
"""Three chunks: one that is listed, one that is read, one that is committed."""

PACKAGE = f'''
import os
import threading

from nightdrop import Found

CONTENT = b"Invoice number: A-1\\nInvoice date: 2026-03-01\\nTotal: 12.00 EUR\\n"


class River:
    """All its keys have the same content, so that it is read by an agent once."""

    def __init__(self):
        self.taken, self.lock = 0, threading.Lock()

    def list(self, url):
        before, lead = self.taken, 0
        for number in range({COUNT}):
            lead = max(lead, number - (self.taken - before))
            yield Found(url=f"river://in/{{number:05}}.txt", version="1", size=len(CONTENT), modified_ms=0)
        with open(os.environ["RIVER_LOG"], "a") as log:
            log.write(f"{{lead}} {{self.taken - before}}\\n")

    def read(self, url, max_bytes, size=None):
        with self.lock:
            self.taken += 1
        return CONTENT

    def put_away(self, url, version, after, name):
        return True
'''


class River:
    """What a process has written down of its listings."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def listings(self) -> list[list[int]]:
        """(how far the listing was ahead at most, documents read meanwhile) of each listing that came to its end."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [[int(word) for word in line.split()] for line in lines]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    (folder / "river_package.py").write_text(PACKAGE)
    info = folder / "river_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: river-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nightdrop.sources]\nriver = river_package:River\n")
    return folder


@pytest.fixture
def river(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> River:
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("RIVER_LOG", str(tmp_path / "river.log"))
    return River(tmp_path / "river.log")


@pytest.fixture
def agent(tmp_path: Path) -> Any:
    db = SqliteDb(tmp_path / "nightdrop.db")
    yield Agent(id="remote", model="local", output_schema=Invoice, db=db)
    db.close()


def test_nightdrop_run(river: River, tmp_path: Path) -> None:
    command = ["run", "river://in/", "--model", "local", "--schema", "invoice", "--db", str(tmp_path / "run.db")]
    code, _, err = finished(nightdrop(*command, "--message", "Read.", cwd=tmp_path))
    assert code == 0, err
    ((lead, read),) = river.listings()
    assert lead <= FEW
    assert read > COUNT - FEW


def test_a_schedule_which_reads_nothing_the_second_time(river: River, agent: Agent) -> None:
    night = Night(agent, {"message": "Extract.", "files": "river://in/"})
    assert night.fire(0) == ("success", COUNT)
    assert night.fire(1) == ("success", 0)
    (first, again) = river.listings()
    assert first[0] <= FEW
    assert again[1] == 0
    night.stop()


def test_a_batch_over_http(river: River, agent: Agent) -> None:
    asked = {"agent_id": "remote", "source": "river://in/", "message": "Read."}
    app = running(AgentOS(agents=[agent]), allow_paths=["river://in/"])
    with app as url, httpx2.Client(base_url=url, timeout=30) as client:
        batch = client.post("/batches", json=asked)
        assert batch.status_code in (201, 202), batch.text
        until_true(lambda: client.get(f"/batches/{batch.json()['id']}").json()["completed_at"] is not None, 60)
        assert client.get(f"/batches/{batch.json()['id']}").json()["total"] == COUNT
    ((lead, _),) = river.listings()
    assert lead <= FEW
