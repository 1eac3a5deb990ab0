"""A table as a sink: several that put at once, before it is there and after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.postgres import new_database

from nightdrop.sinks.outbox_row import step_row
from nightdrop.sinks.put import put_rows
from nightdrop.workflows import StepRun


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_table_is_made_by_whoever_comes_first(kind: str, tmp_path: Path) -> None:
    """Eight at a time, each with a row of its own and one that all of them put."""
    postgres = kind == "postgres"
    url = new_database().replace("postgresql:", "postgresql+psycopg:", 1) if postgres else f"sqlite:///{tmp_path}/o.db"

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
