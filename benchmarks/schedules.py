"""Schedules under load: 3 processes on one database. `python benchmarks/schedules.py [--db URL] [--schedules 200]`.

1. Schedules due in the same minute: fires per occurrence, lateness of `triggered_at`.
2. Documents that appear in a folder while two fires overlap: runs and batch items per document.
kill -9 at each fault point is tests/crash/test_schedules_killed.py.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nightdrop.clock import now_ms
from nightdrop.schedules import service
from nightdrop.store import Database
from nightdrop.store.place import database_at

APP = Path(__file__).parent / "schedules_app.py"


def main() -> None:
    """Measure both and print a line each; exit 1 if anything was fired twice or never."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--db")
    options.add_argument("--processes", type=int, default=3)
    options.add_argument("--schedules", type=int, default=200)
    options.add_argument("--documents", type=int, default=1000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = given.db or str(folder / "schedules.db")
        db = database_at(place)
        processes = [_start(place) for _ in range(given.processes)]
        try:
            _until(lambda: _count(db, "SELECT count(*) FROM nightdrop_executors WHERE scheduler") == given.processes)
            good = _same_minute(db, folder, given.schedules) & _overlapping(db, folder, given.documents)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(60)
        db.close()
    sys.exit(0 if good else 1)


def _same_minute(db: Database, folder: Path, count: int) -> bool:
    empty = folder / "empty"
    empty.mkdir()
    due = now_ms() + 8000
    for number in range(count):
        _schedule(db, f"due-{number}", empty, due)
    _until(lambda: _count(db, "SELECT count(*) FROM nightdrop_schedule_runs WHERE completed_at IS NOT NULL") >= count)
    late = sorted(r[0] for r in _rows(db, f"SELECT triggered_at - {due} FROM nightdrop_schedule_runs"))
    once = len(late) == count == _count(db, "SELECT count(DISTINCT schedule_id) FROM nightdrop_schedule_runs")
    p50, p99, last = (late[min(int(len(late) * q), len(late) - 1)] / 1000 for q in (0.5, 0.99, 1))
    print(f"{count} due together: {len(late)} fires, each once: {once}; p50 {p50:.2f} p99 {p99:.2f} last {last:.2f} s")
    return once and p99 < 5


def _overlapping(db: Database, folder: Path, count: int, fires: int = 4) -> bool:
    """Half of the documents lie there as the fires begin together, half appear while they list."""
    drop = folder / "drop"
    drop.mkdir()
    made = _schedule(db, "overlapping", drop, now_ms() + 10**9, overlap="allow")
    old = time.time() - 60
    for number in range(count):
        hidden = drop / f".{number}"
        hidden.write_text(f"Invoice number: INV-{number:05}\nInvoice date: 2026-03-01\nTotal: {number}.00 EUR\n")
        os.utime(hidden, (old, old))
    for number in range(count):
        if number >= count // 2 and (number - count // 2) * 2 % (count // fires) == 0:
            service.trigger_schedule(db, made)
        (drop / f".{number}").rename(drop / f"{number}.txt")
        time.sleep(0.002 if number > count // 2 else 0)
    where = f"schedule_id = '{made}'"
    is_open = f"SELECT count(*) FROM nightdrop_schedule_runs WHERE {where} AND status IN ('pending', 'running')"
    _until(lambda: _count(db, is_open) == 0)
    service.trigger_schedule(db, made)  # what appeared after all had listed
    _until(lambda: _count(db, is_open) == 0)
    runs = _count(db, "SELECT count(*) FROM nightdrop_runs WHERE status = 'COMPLETED'")
    items = _count(db, "SELECT count(*) FROM nightdrop_batch_items")
    shares = [r[0] for r in _rows(db, "SELECT count(*) FROM nightdrop_batch_items GROUP BY batch_id")]
    times = _rows(db, f"SELECT triggered_at, completed_at FROM nightdrop_schedule_runs WHERE {where}")
    pairs = sum(a[0] < b[1] and b[0] < a[1] for n, a in enumerate(times) for b in times[:n])
    print(f"{count} documents, {pairs} pairs of overlapping fires: {runs} runs, {items} taken, by fires {shares}")
    return runs == items == count and pairs > 0


def _schedule(db: Database, name: str, folder: Path, due: int, **fields: Any) -> str:
    made = service.create_schedule(
        db,
        {
            "name": name,
            "cron": "0 0 1 1 *",
            "endpoint": "/agents/invoices/runs",
            "payload": {"message": "Extract.", "files": str(folder), "settle_seconds": 0},
            **fields,
        },
    )
    with db.write() as connection:
        connection.exec_driver_sql(f"UPDATE nightdrop_schedules SET next_fire_at = {due} WHERE id = '{made.id}'")
    return made.id


def _start(place: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nightdrop", "worker-process", "--agent", f"{APP}:agent_os"]
    return subprocess.Popen(command, env={**os.environ, "BENCHMARK_DB": place}, stdin=subprocess.PIPE)


def _rows(db: Database, sql: str) -> list[Any]:
    with db.read() as connection:
        return list(connection.exec_driver_sql(sql).all())


def _count(db: Database, sql: str) -> int:
    return int(_rows(db, sql)[0][0])


def _until(condition: Any, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("it did not come to its end in time")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
