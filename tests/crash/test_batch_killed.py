"""kill -9 of a batch at every fault point and at random moments, then the same command again."""

from __future__ import annotations

import csv
import os
import random
import signal
import time
from typing import Any

import pyarrow.parquet
import pytest

from nightdrop.faults import POINTS
from tests.conftest import finished

ONCE_A_BATCH = [p for p in POINTS if p.startswith(("accept.", "dispatch."))]
ONCE_A_DOCUMENT = [p for p in POINTS if p.startswith(("attempt.", "answer.", "result."))]


@pytest.mark.parametrize("fault", [*ONCE_A_BATCH, *[f"{p}:{n}" for p in ONCE_A_DOCUMENT for n in (1, 7)]])
def test_killed_at_a_fault_point(scene: Any, fault: str) -> None:
    s = scene(12)
    code, _, err = finished(s.start(fault))
    assert code == -signal.SIGKILL, err
    before, done = s.executions(), s.completed()
    s.assert_whole(s.finish())
    again = s.executions() - before
    assert not set(again) & done, "a document with a committed result was read again"


def test_killed_while_the_batch_before_is_carried_over(scene: Any) -> None:
    """The same call again over what has ended: killed before that commits, it goes on, and nothing is read twice."""
    s = scene(6)
    s.assert_whole(s.finish())
    code, _, err = finished(s.start("accept.commit"))
    assert code == -signal.SIGKILL, err
    progress = s.finish()
    s.assert_whole(progress)
    assert progress["skipped"] == 6
    assert set(s.executions().values()) == {1}


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_killed_while_the_results_are_written(scene: Any, ending: str) -> None:
    s = scene(5)
    out = s.root / "out" / f"results.{ending}"
    out.parent.mkdir()
    code, _, _ = finished(s.start("out.written", "--out", out))
    assert code == -signal.SIGKILL
    assert not out.exists(), "a result file is whole or not there"
    assert list(out.parent.iterdir())
    s.finish("--out", out)
    read = {
        "jsonl": lambda: out.read_text().splitlines(),
        "csv": lambda: list(csv.DictReader(out.read_text().splitlines())),
    }
    assert len(read[ending]() if ending in read else pyarrow.parquet.read_table(out)) == 5
    assert list(out.parent.iterdir()) == [out], "what the killed one left is gone"


def test_two_hundred_documents_killed_again_and_again(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOW_SECONDS", "0.02")
    s = scene(200)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    kills = 0
    for _ in range(12):
        process = s.start()
        time.sleep(0.9 + chance.random() * 1.2)  # the moment of the kill, not a wait for something
        done = s.completed()
        if process.poll() is not None:
            finished(process)
            break
        process.kill()
        finished(process)
        kills += 1
        assert s.completed() >= done, "a committed result was lost"
    counted, committed = s.executions(), s.completed()
    s.assert_whole(s.finish())
    assert not set(s.executions() - counted) & committed, f"seed {seed}: a finished document was run again"
    assert kills >= 1, "the batch was never killed: make it longer"


def test_two_processes_on_one_batch_do_no_document_twice(scene: Any) -> None:
    s = scene(200)
    first, second = s.start(None, "--json"), s.start(None, "--json")
    for code, _, err in (finished(first), finished(second)):
        assert code == 0, err
    assert s.executions() == {f"INV-{n:05}": 1 for n in range(200)}
    s.assert_whole(s.finish())


def test_ctrl_c_stops_within_two_seconds_and_says_how_to_continue(scene: Any) -> None:
    s = scene(400)
    process = s.start()
    while not s.executions():
        assert process.poll() is None
        time.sleep(0.02)
    asked = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    code, _, err = finished(process)
    assert time.monotonic() - asked < 2
    assert code == 130
    assert "run the same command again to continue" in err
    assert s.query("SELECT count(*) FROM nightdrop_runs WHERE executor_id IS NOT NULL AND status = 'PENDING'") == [(0,)]
    before, done = s.executions(), s.completed()
    s.assert_whole(s.finish())
    assert not set(s.executions() - before) & done
