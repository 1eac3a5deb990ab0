"""Processes that are waited for together (starting one costs a second or two), and a shop with a past to look at."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nightdrop.cli import cli
from nightdrop.store.place import database_at
from nightdrop.testing import SimulatedProvider
from tests.conftest import finished, invoice_text, nightdrop

ROW_KEYS = {"run_id", "status", "file", "sha256", "content", "fields", "error", "cost", "agent_id", "batch_id"}
BATCH_KEYS = {"id", "status", "total", "done", "failed", "skipped", "cost", "created_at", "completed_at"}

APP = '''
from decimal import Decimal
from pydantic import BaseModel, Field
from nightdrop import Agent, SqliteDb


class Slip(BaseModel):
    """Two fields of an invoice."""

    invoice_number: str | None = Field(None, description="Invoice number")
    total: Decimal | None = Field(None, description="Total")


agent = Agent(id="slips", model="local", output_schema=Slip)
stored = Agent(id="stored-slips", model="local", output_schema=Slip, db=SqliteDb("app.db"))
number = 7
'''

JSON_SCHEMA = {
    "title": "Number",
    "type": "object",
    "properties": {"invoice_number": {"type": ["string", "null"], "description": "Invoice number"}},
}


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def together(*calls: Sequence[str | Path], cwd: Path | None = None, env: dict[str, str] | None = None) -> list[Ended]:
    """Run these command lines at the same time, each as a process; what became of them, in order."""
    processes = [nightdrop(*call, cwd=cwd, env=env) for call in calls]
    return [Ended(*finished(process)) for process in processes]


def called(*args: str | Path) -> Result:
    """A command that starts no engine, called in this process."""
    return CliRunner().invoke(cli, [str(a) for a in args], prog_name="nightdrop")


def with_tables(place: str) -> str:
    """A database that has its tables already, so that a test may look while the first process starts."""
    database = database_at(place)
    with database.read():
        pass
    database.close()
    return place


@contextmanager
def providers(defaults: Callable[[], dict[str, Any]] = dict) -> Iterator[Callable[..., SimulatedProvider]]:
    """Starts simulated providers, each with fresh defaults, and stops them at the end."""
    started: list[SimulatedProvider] = []

    def start(**options: Any) -> SimulatedProvider:
        started.append(SimulatedProvider(**defaults(), **options).start())
        return started[-1]

    yield start
    for made in started:
        made.stop()


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """What the condition gives once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
    return found


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@dataclass(frozen=True)
class Shop:
    """A folder where an app, documents and a database lie."""

    root: Path

    @property
    def drop(self) -> Path:
        return self.root / "drop"

    def paths(self) -> list[Path]:
        return sorted(self.drop.iterdir())


def open_shop(root: Path, count: int = 4) -> Shop:
    """Documents, an app, a JSON schema and manifests of every kind in a folder."""
    shop = Shop(root)
    shop.drop.mkdir()
    for n in range(count):
        (shop.drop / f"invoice-{n}.txt").write_text(invoice_text(n))
    (root / "app.py").write_text(APP)
    (root / "number.json").write_text(json.dumps(JSON_SCHEMA))
    first, second, third, *_ = shop.paths()
    (root / "list.jsonl").write_text(f'{json.dumps({"path": str(first), "id": 7})}\n"drop/{second.name}"\n')
    (root / "list.csv").write_text(f'customer,path,note\nann,drop/{first.name},"a, b"\nbob,drop/{third.name},\n')
    (root / "list.txt").write_text(f"# tonight\ndrop/{second.name}\n\ndrop/{third.name}\n")
    return shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One shop for the tests of a file."""
    return open_shop(tmp_path_factory.mktemp("shop"))
