"""A workflow is changed while runs of it are open: they end under the old one, wait, or are moved; none fails."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop.store import Database
from nightdrop.store.load import load_run, waits_for
from nightdrop.store.pauses import continue_run
from nightdrop.store.place import database_at
from tests.conftest import finished, nightdrop, rows_at
from tests.crash.test_takeover import until

APP = f"{Path(__file__).parent / 'changing_app.py'}:workflow"


@pytest.fixture
def db(place: str) -> Iterator[Database]:
    """The database, looked at from here."""
    opened = database_at(place)
    yield opened
    opened.close()


def test_open_runs_outlive_a_change(tmp_path: Path, place: str, db: Database, invoices: Any) -> None:
    """One ends under the old workflow, in a process that has it; one is moved; both keep what is done."""
    log = tmp_path / "log"
    folder = invoices(2)

    def start(shape: str, *command: str | Path) -> subprocess.Popen[str]:
        return nightdrop(*command, env={"TEST_DB": place, "EXECUTION_LOG": str(log), "SHAPE": shape})

    def waiting(run_id: str) -> str:
        with db.read() as connection:
            return waits_for(connection, run_id) or ""

    def of(run_id: str) -> Any:
        with db.read() as connection:
            return load_run(connection, run_id)

    old_run = ("run", folder, "--workflow", APP, "--quiet")
    _, _, err = finished(start("old", *old_run))
    paused = rows_at(place, "SELECT run_id, revision FROM nightdrop_runs WHERE status = 'PAUSED' ORDER BY 1")
    assert len(paused) == 2, err
    (one, revision), (other, _) = paused

    worker = start("new", "worker", APP, "--processes", "1")
    try:
        until(lambda: rows_at(place, "SELECT 1 FROM nightdrop_executors WHERE role = 'worker'"), 120, "the new worker")
        continue_run(db, one, "yes")
        assert waiting(one).startswith(f"a process that has changing at revision {revision} loaded: start ")
        assert waiting(one).endswith("or move it to another revision: `nightdrop workflow move APP`")

        _, _, err = finished(start("old", *old_run))
        assert (of(one).status, of(one).content) == ("COMPLETED", "old"), err
        assert [step.path for step in of(one).steps] == ["first", "ask", "mark"]

        continue_run(db, other, "yes")
        assert waiting(other)
        code, out, err = finished(start("new", "workflow", "move", APP))
        assert (code, out.split()[0]) == (0, "1"), err
        until(lambda: of(other).status == "COMPLETED", 120, "the moved run ends")
        assert of(other).content == "new"
        assert [step.path for step in of(other).steps] == ["first", "ask", "mark again"]
    finally:
        worker.terminate()
        finished(worker)
    assert len(log.read_text().splitlines()) == 2
    assert rows_at(place, "SELECT DISTINCT status FROM nightdrop_runs") == [("COMPLETED",)]
