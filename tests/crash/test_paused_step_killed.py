"""kill -9 in a step that pauses: as it asks, and as it goes on with the answer."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import finished, nightdrop, rows_at
from tests.site import site

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


def test_a_run_that_is_answered_while_the_command_leaves_is_not_cut_off(
    tmp_path: Path, place: str, invoices: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`nightdrop run` still tells webhooks at its end: what it does not take up is the next one's, from the start."""
    log, folder = tmp_path / "log", invoices(1)
    env = {"TEST_DB": place, "EXECUTION_LOG": str(log), "SECONDS_AFTER_THE_ANSWER": "2"}
    monkeypatch.setenv("NIGHTDROP_ALLOW_HOSTS", "127.0.0.1")

    def run() -> tuple[int, str, str]:
        return finished(nightdrop("run", folder, "--workflow", f"{APP}:workflow", "--quiet", env=env))

    def answer(_body: bytes) -> None:
        ((run_id,),) = rows_at(place, "SELECT run_id FROM nightdrop_runs")
        finished(nightdrop("runs", "continue", run_id, "--answer", "22", "--db", place))
        until = time.monotonic() + 1.5  # as long as the command waits for who is told
        while time.monotonic() < until and log.read_text().split().count("asks") < 2:
            time.sleep(0.05)

    with site() as web:
        finished(nightdrop("webhooks", "create", f"{web.url}/hook", "--event", "run.paused", "--db", place))
        web.decide = answer
        code, _, err = run()
        assert (code, len(web.asked)) == (0, 1), err
    code, _, err = run()
    assert code == 0, err
    assert rows_at(place, "SELECT status, content FROM nightdrop_runs") == [("COMPLETED", "42")]
    assert log.read_text().split() == ["before", "asks", "asks", "after"]
