"""A table as a sink: several that put at once, before it is there and after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from tests.postgres import new_database

from nightdrop.sinks.outbox_row import step_row
from nightdrop.sinks.put import put_rows
from nightdrop.workflows import StepRun


def new_url(kind: str, folder: Path) -> str:
    """Of a database without the table."""
    postgres = kind == "postgres"
    return new_database().replace("postgresql:", "postgresql+psycopg:", 1) if postgres else f"sqlite:///{folder}/o.db"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_table_is_made_by_whoever_comes_first(kind: str, tmp_path: Path) -> None:
    """Eight at a time, each with a row of its own and one that all of them put."""
    url = new_url(kind, tmp_path)

    def put(number: int) -> None:
        for session in (f"s{number}", "shared"):
            run = StepRun(workflow_id="w", run_id="r", session_id=session)
            put_rows(url, [step_row(run, "export", {"n": session}, {})])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(8)))
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT content, version FROM nightdrop_results").all()
    engine.dispose()
    assert sorted(rows) == sorted([*((f'{{"n": "s{n}"}}', 1) for n in range(8)), ('{"n": "shared"}', 1)])


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_many_results_of_a_document_at_once_leave_the_latest(kind: str, tmp_path: Path) -> None:
    url, together = new_url(kind, tmp_path), Barrier(8)

    def put(session: str, attempt: int) -> None:
        together.wait(20)
        run = StepRun(workflow_id="w", run_id="r", session_id=session, attempt=attempt)
        put_rows(url, [step_row(run, "export", {}, {})])

    with ThreadPoolExecutor(8) as pool:
        for session in map(str, range(20)):
            for done in [pool.submit(put, session, attempt) for attempt in range(8)]:
                done.result()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT run_version FROM nightdrop_results").all()
    engine.dispose()
    assert rows == [(7,)] * 20
