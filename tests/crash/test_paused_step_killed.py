"""kill -9 in a step that pauses: as it asks, and as it goes on with the answer."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import finished, nightdrop, rows_at

APP = Path(__file__).parent / "pausing_app.py"


@pytest.mark.parametrize("fault", ["step.done", "step.commit"])
def test_killed_as_it_asks_and_as_it_goes_on(tmp_path: Path, place: str, invoices: Any, fault: str) -> None:
    """The question that was not committed is asked again; what was recorded before it does not run again."""
    log = tmp_path / "log"
    folder = invoices(1)

    def run(point: str | None = None) -> tuple[int, str, str]:
        env = {"TEST_DB": place, "EXECUTION_LOG": str(log)}
        env |= {} if point is None else {"NIGHTDROP_FAULT_POINT": point}
        return finished(nightdrop("run", folder, "--workflow", f"{APP}:workflow", "--quiet", env=env))

    def rows(columns: str, table: str) -> list[tuple[Any, ...]]:
        return rows_at(place, f"SELECT {columns} FROM {table}")

    code, _, err = run("result.commit")
    assert code == -signal.SIGKILL, err
    assert rows("status", "nightdrop_runs") == [("RUNNING",)]
    run()
    ((run_id, status),) = rows("run_id, status", "nightdrop_runs")
    assert status == "PAUSED"
    assert log.read_text().split() == ["before", "asks", "asks"]

    code, _, err = finished(nightdrop("runs", "continue", run_id, "--answer", "22", "--db", place))
    assert code == 0, err
    code, _, err = run(fault)  # the first step that ends now is the one that asked
    assert code == -signal.SIGKILL, err
    code, _, err = run()
    assert code == 0, err
    assert rows("status, content", "nightdrop_runs") == [("COMPLETED", "42")]
    assert sorted(rows("path", "nightdrop_steps")) == [("after",), ("asks",), ("before",)]
    assert log.read_text().split() == ["before", *["asks"] * 4, "after"]
