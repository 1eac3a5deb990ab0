"""Messages whose documents take longer than they are held: renewed by the living, delivered again after a kill."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import finished, invoice_text, nightdrop, rows_at
from tests.crash.conftest import Scene
from tests.crash.test_takeover import until
from tests.sources.queues import QUEUES, Queue
from tests.sources.serve import PASSWORD
from tests.sources.servers import s3

APP = Path(__file__).parent / "queue_app.py"
HOLD_SECONDS = 4  # of which a third may pass until the next renewal, and two thirds on a machine that is busy
Watch = Callable[..., subprocess.Popen[str]]


@pytest.fixture(params=sorted(QUEUES))
def queue(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
    with s3(tmp_path) as bucket, QUEUES[request.param](tmp_path, bucket) as made:
        (tmp_path / "sources.toml").write_text(made.toml)
        yield made


@pytest.fixture
def watch(queue: Queue) -> Iterator[Watch]:
    """Starts watches of the queue; those that still run at the end are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(s: Scene, *options: str, place: str | None = None, gate: Path | None = None) -> subprocess.Popen[str]:
        env = {"EXECUTION_LOG": str(s.log), "TEST_DB": place or s.place, "HOLD_SECONDS": str(HOLD_SECONDS)}
        env |= {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])}
        env |= {} if gate is None else {"GATE": str(gate)}
        command = ("watch", queue.url, "--agent", f"{APP}:agent", "--message", "Read.", "--interval", "0.2", *options)
        started.append(nightdrop(*command, env=env))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        finished(process)


def begin(s: Scene, queue: Queue, watch: Watch) -> tuple[subprocess.Popen[str], Path]:
    """A watch in the middle of a document, and the gate that lets it read on."""
    gate = s.root / "gate"
    queue.send(json.dumps({"text": invoice_text(1)}))
    process = watch(s, "--once", gate=gate)
    until(gate.with_suffix(".begun").exists, 60, "the document is being read")
    return process, gate


def ended(place: str) -> list[str]:
    """The numbers of what has been read, in this database."""
    rows = rows_at(place, "SELECT content FROM nightdrop_runs WHERE status = 'COMPLETED' ORDER BY run_id")
    return [json.loads(row[0])["invoice_number"] for row in rows]


def assert_acknowledged(queue: Queue, times: int) -> None:
    """A stream is told again by a look that has listed a message before it was put away, which changes nothing."""
    told = queue.acknowledged()
    assert told >= times if queue.url.startswith("redis") else told == times


def test_a_message_in_work_is_not_delivered_to_another(scene: Any, queue: Queue, watch: Watch, tmp_path: Path) -> None:
    s, other = scene(0), str(tmp_path / "other.db")
    first, gate = begin(s, queue, watch)
    begun = time.monotonic()
    watch(s, place=other)
    queue.send(json.dumps({"text": invoice_text(2)}))
    until(lambda: Path(other).exists() and s.executions() == {"INV-00002": 1}, 60, "the other watch takes messages")
    until(lambda: time.monotonic() - begun > 1.5 * HOLD_SECONDS, 10, "it would be free by now")
    until(lambda: ended(other) == ["INV-00002"] and queue.left() == 1, 60, "the other has acknowledged its own")
    gate.touch()
    assert finished(first)[0] == 0
    assert (ended(s.place), ended(other), queue.left()) == (["INV-00001"], ["INV-00002"], 0)
    assert s.executions() == {"INV-00001": 1, "INV-00002": 1}
    assert rows_at(other, "SELECT count(*) FROM nightdrop_runs") == [(1,)]
    assert_acknowledged(queue, 2)


@pytest.mark.parametrize("whose", ["same", "other"])
def test_killed_in_the_middle_another_watch_takes_it_over(
    scene: Any, queue: Queue, watch: Watch, tmp_path: Path, whose: str
) -> None:
    """same: of the same database, which knows the document already; other: of one that does not."""
    s = scene(0)
    place = s.place if whose == "same" else str(tmp_path / "other.db")
    first, _ = begin(s, queue, watch)
    first.kill()
    second = watch(s, place=place)
    until(lambda: queue.left() == 0, 60, "it is acknowledged")
    second.terminate()
    assert finished(second)[0] == 0
    assert (ended(place), s.executions()) == (["INV-00001"], {"INV-00001": 1})
    assert rows_at(place, "SELECT count(*) FROM nightdrop_runs") == [(1,)]
    assert_acknowledged(queue, 1)
