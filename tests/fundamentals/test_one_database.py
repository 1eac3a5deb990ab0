"""A process runs on one database at a time; the library itself stays silent."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightdrop import Agent, File, RunStatus, SqliteDb, UsageError
from nightdrop.schemas import Invoice
from tests.conftest import scan_png
from tests.fundamentals.conftest import MESSAGE, document


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[tuple[SqliteDb, SqliteDb]]:
    """Two databases, closed at the end."""
    pair = SqliteDb(tmp_path / "one.db"), SqliteDb(tmp_path / "two.db")
    yield pair
    for one in pair:
        one.close()


def agent_on(db: SqliteDb) -> Agent:
    return Agent(id="invoices", model="local", output_schema=Invoice, db=db)


def test_a_second_database_is_refused_until_the_first_is_closed(databases: tuple[SqliteDb, SqliteDb]) -> None:
    """database_conflict names both and says what to do; after close() the second one works, then the first again."""
    one, two = databases
    first = agent_on(one).run(files=[document(1)])
    with pytest.raises(UsageError, match=r"^database_conflict: .*one\.db.*two\.db.*close\(\)"):
        agent_on(two).run(files=[document(1)])
    assert not two.path.exists()
    one.close()
    assert agent_on(two).run(files=[document(1)]).status is RunStatus.COMPLETED
    assert agent_on(one).get_run_output(first.run_id) == first, "reading needs no engine and conflicts with nothing"
    two.close()
    assert agent_on(one).run(files=[document(2)]).status is RunStatus.COMPLETED


def test_two_handles_of_one_file_are_one_database(tmp_path: Path) -> None:
    """Two SqliteDb objects on the same path share what runs; closing either one frees the process."""
    one, same = SqliteDb(tmp_path / "a.db"), SqliteDb(tmp_path / "a.db")
    other = SqliteDb(tmp_path / "b.db")
    try:
        agent_on(one).run(files=[document(1)])
        agent_on(same).run(files=[document(2)])
        one.close()
        agent_on(same).run(files=[document(3)])
        same.close()
        assert agent_on(other).run(files=[document(1)]).status is RunStatus.COMPLETED
    finally:
        for db in (one, same, other):
            db.close()


def test_a_database_that_is_none_says_so(tmp_path: Path) -> None:
    """A text file, a missing folder, a folder: an error with the path, and nothing is overwritten."""
    text = tmp_path / "notes.md"
    text.write_text("# not a database, and long enough to be looked at as one\n" * 40)
    before = text.read_text()
    for path in (text, tmp_path / "missing" / "n.db", tmp_path):
        with pytest.raises(Exception, match=f"^(storage_failed|bad_argument): .*{path.name}"):
            agent_on(SqliteDb(path)).run(files=[document(1)])
    assert text.read_text() == before


def test_blobs_may_live_elsewhere(tmp_path: Path) -> None:
    """blobs= names another place for the documents' bytes; beside the database nothing is made."""
    db = SqliteDb(tmp_path / "n.db", blobs=str(tmp_path / "bytes"), durability="power")
    try:
        assert agent_on(db).run(files=[document(1)]).status is RunStatus.COMPLETED
        assert [p.read_bytes() for p in (tmp_path / "bytes").rglob("*") if p.is_file()] == [document(1).content]
        assert not Path(f"{db.path}.blobs").exists()
    finally:
        db.close()


def test_open_runs_outlive_the_process_that_accepted_them(tmp_path: Path) -> None:
    """A script that ends right after background=True: the run is in the database, and the next process does it."""
    place = tmp_path / "n.db"
    script = f"""
        from nightdrop import Agent, File, SqliteDb
        from nightdrop.schemas import Invoice

        agent = Agent(id="invoices", model="local", output_schema=Invoice, db=SqliteDb({str(place)!r}))
        for n in range(20):
            file = File(content=b"Invoice number: N-%d\\nTotal: 1.00 EUR\\n" % n, filename="a.txt")
            print(agent.run("Read.", files=[file], background=True).run_id)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    ids = done.stdout.split()
    assert len(ids) == 20
    db = SqliteDb(place)
    try:
        agent = agent_on(db)
        agent.run(files=[document(1)])  # a process that has this agent takes over what waits

        async def ended() -> list[str]:
            from nightdrop.engine import engine_for
            from nightdrop.portal import portal

            async def wait() -> list[str]:
                engine = await engine_for(db)
                return [(await engine.wait(run_id)).status.value for run_id in ids]

            return await portal().bridge(wait())

        assert set(asyncio.run(ended())) == {"COMPLETED"}
        assert sorted(agent.get_run_output(i).content.invoice_number for i in ids) == sorted(
            f"N-{n}" for n in range(20)
        )
    finally:
        db.close()


def test_the_library_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """stdout and stderr are the user's: runs, batches, failures and closing write nothing there.

    Logs at WARNING and above mean that something is wrong with the machine; an ordinary day has none.
    """
    caplog.set_level(logging.WARNING)
    db = SqliteDb(tmp_path / "n.db")
    agent = agent_on(db)
    agent.run(MESSAGE, files=[document(1)])
    agent.run(MESSAGE, files=[File(content=scan_png(), filename="scan.png")])
    batch = agent.batch([document(n) for n in range(5)] + [File(content=b"", filename="e.txt")], MESSAGE)
    list(batch.results())
    batch.cancel()
    with pytest.raises(UsageError):
        agent.get_run_output("nothing")
    db.close()
    assert capfd.readouterr() == ("", "")
    assert [record.getMessage() for record in caplog.records] == []
