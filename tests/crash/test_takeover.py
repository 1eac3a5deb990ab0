"""Another process takes over what a killed one left, and what is known of the living is left alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import finished, python


def until(condition: Any, seconds: float, what: str) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - started


@pytest.mark.parametrize("fault", ["dispatch.committed", "attempt.started:5", "result.commit:5"])
def test_a_living_process_takes_over_within_five_seconds(scene: Any, fault: str) -> None:
    s = scene(60)
    helper = worker(s)
    try:
        until(lambda: s.query("SELECT count(*) FROM nightdrop_executors") == [(1,)], 20, "the other process is up")
        code, _, err = finished(s.start(fault))
        assert code == -9, err
        before, done = s.executions(), s.completed()
        until(lambda: len(s.completed()) == 60, 5, "every document has its result after the kill")
        assert not set(s.executions() - before) & done
    finally:
        helper.kill()
        finished(helper)
    s.assert_whole(s.finish())


def worker(s: Any) -> Any:
    """A process that has the agent loaded and its engine running, and no work of its own."""
    code = (
        "import time, sys; sys.path.insert(0, sys.argv[1])\n"
        "from counting_app import agent\n"
        "from nightdrop.engine import engine_for\n"
        "from nightdrop.portal import portal\n"
        "portal().call(engine_for(agent.db))\n"
        "time.sleep(60)\n"
    )
    return python(code, Path(__file__).parent, env={"EXECUTION_LOG": str(s.log), "TEST_DB": s.place})


def test_a_background_run_of_a_killed_process_is_finished_by_the_next(scene: Any) -> None:
    s = scene(1)
    submit = (
        "import os, signal, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from counting_app import agent\n"
        "from nightdrop import File\n"
        "run = agent.run('Read.', files=[File(filepath=sys.argv[2])], background=True)\n"
        "print(run.run_id, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    document = next(s.folder.iterdir())
    environment = {"EXECUTION_LOG": str(s.log), "TEST_DB": s.place}
    _, out, err = finished(python(submit, Path(__file__).parent, document, env=environment))
    run_id = out.strip()
    assert run_id, err
    other = worker(s)
    try:
        until(
            lambda: s.query(f"SELECT status FROM nightdrop_runs WHERE run_id = '{run_id}'") == [("COMPLETED",)],
            10,
            "the run ends in another process",
        )
    finally:
        other.kill()
        finished(other)
