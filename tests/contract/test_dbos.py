"""What we rely on in DBOS, and how each of its traps is closed: an upgrade that breaks one breaks a test here."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from pathlib import Path
from typing import Any

import dbos
import pytest
import sqlalchemy as sa

from nightdrop import Agent, File, RunStatus, SqliteDb, UsageError
from nightdrop.engine import engine_for
from nightdrop.engine.identity import this_process
from nightdrop.engine.serializer import JsonSerializer
from nightdrop.portal import portal
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.store import attempts as rows
from nightdrop.store.load import load_run
from tests.conftest import finished, invoice_text, python


def _agent(db: Database) -> Agent:
    return Agent(id="contract", model="local", output_schema=Invoice, db=db)


def _rows(db: Database, sql: str) -> list[tuple[Any, ...]]:
    """On Postgres DBOS has its tables in a schema of its own."""
    with db.engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql("SET search_path TO public, dbos")
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def test_the_pinned_minor_version_is_installed() -> None:
    assert dbos.DBOS  # imported for real
    from importlib.metadata import version

    assert version("dbos").startswith("3.4.")


def test_trap_1_every_process_has_an_executor_id_of_its_own(db: Database) -> None:
    agent = _agent(db)
    agent.run("Read.", files=[File(content=invoice_text(1).encode(), filename="a.txt")])
    (executor,) = {row[0] for row in _rows(db, "SELECT executor_id FROM workflow_status")}
    assert executor not in ("local", "")
    assert _rows(db, "SELECT executor_id FROM nightdrop_executors") == [(executor,)]
    assert this_process().executor_id != this_process().executor_id


def test_trap_3_children_named_by_their_path_get_their_own_results_on_replay(tmp_path: Path) -> None:
    script = Path(__file__).with_name("branches_script.py").read_text()
    moments = range(1, 8)
    at_once = [python(script, tmp_path / f"branches-{moment}.db", str(moment)) for moment in moments]
    for code, _, err in map(finished, at_once):
        assert code == -signal.SIGKILL, err
    again = [python(script, tmp_path / f"branches-{moment}.db", "0") for moment in moments]
    for code, out, err in map(finished, again):
        assert code == 0, err
        assert json.loads(out.splitlines()[-1]) == {"a": "a2", "b": "b2", "c": "c2"}


def test_trap_5_the_first_writer_of_an_end_wins_and_the_second_reads_it(db: Database) -> None:
    agent = _agent(db)
    run = agent.run("Read.", files=[File(content=invoice_text(2).encode(), filename="a.txt")])
    with db.write() as connection:
        assert not rows.complete(connection, run.run_id, 1, content={"total": "1"}, fields={}, now_ms=1)
        assert not rows.start(connection, run.run_id, 1, "someone-else", 1)
    with db.read() as connection:
        stored = load_run(connection, run.run_id)
    assert stored is not None
    assert stored.content["invoice_number"] == "INV-00002"


async def test_trap_5_far_more_runs_at_once_than_connections_all_end(db: Database) -> None:
    agent = _agent(db)
    files = [File(content=invoice_text(n).encode(), filename=f"{n}.txt") for n in range(300)]
    runs = await asyncio.gather(*[agent.arun("Read.", files=[f]) for f in files])
    assert {r.status for r in runs} == {RunStatus.COMPLETED}


def test_trap_6_a_second_database_in_the_process_is_a_clear_error(db: Database, tmp_path: Path) -> None:
    _agent(db).run("Read.", files=[File(content=invoice_text(1).encode(), filename="a.txt")])
    other = _agent(SqliteDb(tmp_path / "other.db"))
    with pytest.raises(UsageError, match="database_conflict"):
        other.run("Read.", files=[File(content=invoice_text(1).encode(), filename="a.txt")])
    db.close()
    run = other.run("Read.", files=[File(content=invoice_text(1).encode(), filename="a.txt")])
    assert run.status is RunStatus.COMPLETED
    assert other.db is not None
    other.db.close()


def test_trap_7_rows_are_json_with_our_application_version(db: Database) -> None:
    run = _agent(db).run("Read.", files=[File(content=invoice_text(1).encode(), filename="a.txt")])
    db.close()
    found = _rows(
        db,
        "SELECT s.workflow_uuid, s.serialization, s.application_version, s.status, i.inputs "
        "FROM workflow_status s JOIN workflow_input i USING (workflow_uuid)",
    )
    assert [row[:4] for row in found] == [(f"{run.run_id}:1", "nightdrop_json", "nightdrop-1", "SUCCESS")]
    assert json.loads(found[0][4])["args"] == [run.run_id, 1]


def test_trap_7_dbos_prints_nothing_and_logs_to_logging(db: Database, capfd: pytest.CaptureFixture[str]) -> None:
    _agent(db).run("Read.", files=[File(content=invoice_text(1).encode(), filename="a.txt")])
    db.close()
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("dbos").handlers == []


def test_the_serializer_keeps_data_and_errors_but_runs_no_code() -> None:
    serializer = JsonSerializer()
    assert serializer.deserialize(serializer.serialize({"a": [1, None, "ü"]})) == {"a": [1, None, "ü"]}
    back = serializer.deserialize(serializer.serialize(UsageError("no", code="bad_argument")))
    assert (back.code, back.message) == ("bad_argument", "UsageError: bad_argument: no")
    with pytest.raises(TypeError, match="JSON data only"):
        serializer.serialize(object())


def test_a_row_and_its_enqueue_commit_or_roll_back_together(db: Database) -> None:
    agent = _agent(db)
    engine = portal().call(engine_for(db, own_batches=True))
    with engine.db.engine.connect() as connection, connection.begin() as transaction:
        from nightdrop.records.request import Claimed

        engine._host.enqueue(connection, Claimed(run_id="r", attempt=1, dispatches=1))
        prefix = "" if connection.dialect.name == "sqlite" else "dbos."
        assert connection.execute(sa.text(f"SELECT count(*) FROM {prefix}workflow_status")).scalar() == 1
        transaction.rollback()
    assert _rows(db, "SELECT count(*) FROM workflow_status") == [(0,)]
    del agent


def test_closing_gives_the_event_loop_its_threads_back(db: Database) -> None:
    agent = _agent(db)
    for number in (1, 2):
        run = agent.run("Read.", files=[File(content=invoice_text(number).encode(), filename="a.txt")])
        assert run.status is RunStatus.COMPLETED
        db.close()
    assert portal().call(asyncio.to_thread(lambda: "alive")) == "alive"
