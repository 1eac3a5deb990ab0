"""Opening an older database: migrated once with its rows kept; a newer one is refused with the command to run."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import nightdrop.store
from nightdrop.errors import SchemaOutdated
from nightdrop.store import Database
from nightdrop.store.load import load_run
from nightdrop.store.migrate import SCHEMA_VERSION, schema_version
from nightdrop.store.place import database_at

OLD_ROWS = (
    "INSERT INTO nightdrop_documents VALUES ('f', 3, 'text/plain', 'ff/f', 1)",
    "INSERT INTO nightdrop_runs (run_id, kind, subject_id, revision, session_id, is_current, input_hash, status, "
    "message, attempt, content, created_at, completed_at) VALUES ('r', 'agent', 'a', '1', 's', true, 'i', 'COMPLETED', "
    "'Read.', 2, '{\"total\": \"1.00\"}', 1, 2)",
    "INSERT INTO nightdrop_run_files VALUES ('r', 0, 'f', 'f.txt', 'text/plain', 'in/f.txt')",
    "INSERT INTO nightdrop_dead_letters VALUES ('d', 'r', 1, 'no_text', 'a scan', false, NULL, 'replayed', NULL, "
    "NULL, 1, 1)",
)
CALL = (
    "INSERT INTO nightdrop_model_calls (call_id, run_id, attempt, number, provider, model, opened_at, closed_at, "
    "cost_pico) VALUES ('c', 'r', 2, 1, 'openai', 'gpt', 1, 2, 5000000)"
)


def made_at(db: Database, revision: str) -> None:
    """A database as a version of that revision left it, with rows."""
    config = Config()
    config.set_main_option("script_location", str(Path(nightdrop.store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    engine = db._connect()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in (*OLD_ROWS, *([CALL] if revision >= "0002" else [])):
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_an_older_database_is_migrated_and_keeps_its_rows(db: Database, revision: str) -> None:
    made_at(db, revision)
    with db.read() as connection:
        assert schema_version(connection) == SCHEMA_VERSION
        run = load_run(connection, "r")
    assert run is not None
    assert (run.content, run.attempts, run.input.hashes) == ({"total": "1.00"}, 2, ("f",))
    assert run.metrics.model_calls == (1 if revision >= "0002" else 0)
    (letter,) = db.dead_letters.list(state=None)
    assert (letter.id, letter.code, letter.sha256) == ("d", "no_text", "f")


def _open(place: str, barrier: object, out: object) -> None:
    import logging

    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("alembic").addHandler(handler)
    logging.getLogger("alembic").setLevel(logging.INFO)
    barrier.wait()  # type: ignore[attr-defined]
    db = database_at(place)
    with db.read() as connection:
        found = (schema_version(connection), load_run(connection, "r") is not None)
    db.close()
    out.put((*found, sum("Running upgrade" in record for record in records)))  # type: ignore[attr-defined]


def test_four_processes_that_open_an_older_database_migrate_it_once(db: Database, place: str) -> None:
    made_at(db, "0001")
    context = multiprocessing.get_context("spawn")
    barrier, out = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_open, args=(place, barrier, out)) for _ in range(4)]
    for process in processes:
        process.start()
    answers = [out.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert {(version, kept) for version, kept, _ in answers} == {(SCHEMA_VERSION, True)}
    versions = Path(nightdrop.store.__file__).parent / "migrations" / "versions"
    assert sorted(count for *_, count in answers) == [0, 0, 0, len(list(versions.glob("0*.py"))) - 1]


def test_a_newer_database_is_refused_with_the_command_to_run(db: Database) -> None:
    with db.write() as connection:
        connection.execute(sa.text("UPDATE nightdrop_schema SET version_num = '9999'"))
    db.close()
    with pytest.raises(SchemaOutdated, match=r"schema 9999.*run `pip install --upgrade nightdrop`"), db.read():
        pass
