"""A batch in a process of its own that can be killed, and a look at what it left."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import finished, nightdrop, rows_at
from tests.postgres import new_database

APP = Path(__file__).parent / "counting_app.py"


@dataclass(frozen=True)
class Scene:
    """One database, one folder of documents, one log of executions."""

    root: Path
    folder: Path
    count: int
    place: str  # of the database: a path or a URL

    @property
    def log(self) -> Path:
        return self.root / "executions.log"

    def start(self, fault: str | None = None, *extra: str | Path) -> subprocess.Popen[str]:
        """`nightdrop run` over the folder, killed at a fault point if one is named."""
        env = {"EXECUTION_LOG": str(self.log), "TEST_DB": self.place}
        if fault is not None:
            env["NIGHTDROP_FAULT_POINT"] = fault
        return nightdrop("run", self.folder, "--agent", f"{APP}:agent", "--message", "Read.", *extra, env=env)

    def finish(self, *extra: str | Path) -> dict[str, Any]:
        """The same command again, to its end; returns its JSON."""
        code, out, err = finished(self.start(None, "--json", *extra))
        assert code == 0, err
        return dict(json.loads(out))

    def executions(self) -> Counter[str]:
        """How often each document was read to the end."""
        return Counter(self.log.read_text().split()) if self.log.exists() else Counter()

    def completed(self) -> set[str]:
        """Invoice numbers whose result is committed."""
        return {
            json.loads(row[0])["invoice_number"]
            for row in self.query("SELECT content FROM nightdrop_runs WHERE status = 'COMPLETED'")
        }

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if "://" not in self.place and not Path(self.place).exists():
            return []
        listed = "SELECT name FROM sqlite_master" if "://" not in self.place else "SELECT tablename FROM pg_tables"
        tables = {row[0] for row in rows_at(self.place, listed)}
        return rows_at(self.place, sql) if "nightdrop_runs" in tables else []

    def assert_whole(self, progress: dict[str, Any]) -> None:
        """Every document has exactly one current result row, and nothing is open."""
        assert (progress["total"], progress["done"], progress["failed"]) == (self.count, self.count, 0)
        expected = {f"INV-{n:05}" for n in range(self.count)}
        assert self.completed() == expected
        assert self.query("SELECT count(*) FROM nightdrop_runs")[0][0] == self.count
        assert self.query("SELECT count(*) FROM nightdrop_runs WHERE status != 'COMPLETED'")[0][0] == 0


@pytest.fixture
def scene(tmp_path: Path, place: str, invoices: Any) -> Any:
    """Makes a scene of `count` documents on a new database, once of each kind."""
    return lambda count: Scene(root=tmp_path, folder=invoices(count), count=count, place=place)


@dataclass(frozen=True)
class Table:
    """The table of a sink: the place of its database for a look at it, and the sink's URL."""

    place: str
    url: str

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        return rows_at(self.place, f"SELECT {columns} FROM nightdrop_results")


@pytest.fixture
def table(tmp_path: Path, place: str) -> Table:
    """On a new database of the same kind as the scene's."""
    if "://" not in place:
        return Table(place=str(tmp_path / "outside.db"), url=f"sqlite:///{tmp_path}/outside.db")
    outside = new_database()
    return Table(place=outside, url=outside.replace("postgresql:", "postgresql+psycopg:", 1))
