"""The database goes away, fills up or cannot be written: runs wait or fail with the reason, and nothing is reported
COMPLETED that is not stored."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, File, SqliteDb
from nightdrop.errors import StorageFailed
from nightdrop.schemas import Invoice
from tests import postgres
from tests.conftest import finished, invoice_text, nightdrop, rows_at
from tests.crash.conftest import APP, Scene
from tests.crash.test_takeover import until


def test_postgres_restarted_under_load_loses_no_run(tmp_path: Path, invoices: Any) -> None:
    server = postgres.start(tempfile.mkdtemp(prefix="nightdrop-restarted-"))
    s = Scene(root=tmp_path, folder=invoices(120), count=120, place=postgres.new_database(server))
    code, _, err = finished(s.start("accept.committed"))
    assert code == -signal.SIGKILL, err
    env = {"EXECUTION_LOG": str(s.log), "TEST_DB": s.place, "SLOW_SECONDS": "0.02"}
    worker = nightdrop("worker", f"{APP}:agent", "--processes", "2", "--concurrency", "4", env=env)
    try:
        until(lambda: len(s.completed()) >= 20, 60, "the workers are at work")
        _stop_immediately(server)
        server.ensure_postgres_running()
        until(lambda: len(s.completed()) == 120, 120, "every document has its result after the restart")
        worker.send_signal(signal.SIGTERM)
        code, _, err = finished(worker, timeout=60)
        assert code == 0, err
    except AssertionError:
        print(s.query("SELECT status, executor_id, deaths, crashes, count(*) FROM nightdrop_runs GROUP BY 1, 2, 3, 4"))
        print(s.query("SELECT * FROM nightdrop_executors"))
        raise
    finally:
        if worker.poll() is None:
            worker.kill()
            print(finished(worker)[2][-4000:])
    assert s.query("SELECT status, count(*) FROM nightdrop_runs GROUP BY status") == [("COMPLETED", 120)]


def _stop_immediately(server: Any) -> None:
    """What a crash of the server is to its clients: every connection breaks, nothing is finished."""
    os.kill(server.get_pid(), signal.SIGQUIT)
    until(lambda: server.get_pid() is None or not Path(f"/proc/{server.get_pid()}").exists(), 30, "it is down")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_fails_with_the_reason_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    db = SqliteDb(small_disk / "nightdrop.db")
    agent = Agent(id="full", model="local", output_schema=Invoice, db=db)
    first = agent.run("Read.", files=[_document(0)])
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as stream:
        while True:
            stream.write(b"x" * 65536)
            stream.flush()
    told: list[str] = []

    def fill_up() -> None:
        for number in range(1, 400):  # what is left of the last page is used up first
            told.append(agent.run("Read.", files=[_document(number)], session_id=f"s{number}").run_id)

    with pytest.raises(StorageFailed, match=r"full|No space|storage_failed"):
        fill_up()
    filler.unlink()
    after = agent.run("Read.", files=[_document(999)])
    db.close()
    stored = dict(rows_at(str(db.path), "SELECT run_id, status FROM nightdrop_runs"))
    assert {stored[run_id] for run_id in [first.run_id, *told, after.run_id]} == {"COMPLETED"}


def _document(number: int) -> File:
    return File(content=invoice_text(number).encode() + b" " * 20_000, filename=f"{number}.txt")


def test_a_database_that_cannot_be_written_is_said_and_nothing_is_accepted(place: str, tmp_path: Path) -> None:
    incoming = tmp_path / "in"
    incoming.mkdir()
    (incoming / "a.txt").write_text(invoice_text(1))
    assert finished(nightdrop("run", incoming, "--db", place))[0] == 0
    (incoming / "b.txt").write_text(invoice_text(2))
    with _read_only(place) as as_reader:
        code, out, err = finished(nightdrop("run", incoming, "--db", as_reader))
    assert code == 1
    assert "storage_failed" in err
    assert "completed" not in out
    assert rows_at(place, "SELECT count(*) FROM nightdrop_runs") == [(1,)]
    assert finished(nightdrop("run", incoming, "--db", place))[0] == 0
    assert rows_at(place, "SELECT count(*) FROM nightdrop_runs") == [(2,)]


@contextlib.contextmanager
def _read_only(place: str) -> Iterator[str]:
    """The same database for one who may only read it."""
    if "://" in place:
        yield f"{place}&options=-c%20default_transaction_read_only%3Don"
        return
    copy = Path(place).parent / "read-only"
    copy.mkdir()
    for part in Path(place).parent.glob("nightdrop.db*"):
        (shutil.copytree if part.is_dir() else shutil.copy2)(part, copy / part.name)
    made = subprocess.run(["mount", "--bind", str(copy), str(copy)], capture_output=True, text=True)
    if made.returncode == 0:
        made = subprocess.run(["mount", "-o", "remount,ro,bind", str(copy)], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"nothing can be mounted read-only here: {made.stderr.strip()}")
    try:
        yield str(copy / "nightdrop.db")
    finally:
        subprocess.run(["umount", "-l", str(copy)], check=True)
