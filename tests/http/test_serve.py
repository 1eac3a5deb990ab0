"""`nightdrop serve` as a process: it starts, answers, stops in order, and what it took is carried on after a kill."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from nightdrop import AgentOS, UsageError
from tests.conftest import finished, nightdrop, rows_at, said_so_far
from tests.http.conftest import running, until, upload

APP = Path(__file__).parent / "served_app.py"


@contextmanager
def serving(
    place: str, *options: str, env: dict[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """(address, process) of `nightdrop serve` over the app, on a free port."""
    process = nightdrop("serve", f"{APP}:agent_os", "--port", "0", *options, env={"TEST_DB": place, **(env or {})})
    try:
        until(lambda: "Ctrl-C" in said_so_far(process) or process.poll() is not None)
        found = re.search(r"http://[\d.]+:\d+", said_so_far(process))
        assert found is not None, said_so_far(process)
        yield found[0], process
    finally:
        process.kill()
        finished(process)


def test_it_serves_and_stops_in_order(place: str) -> None:
    with serving(place) as (url, process):
        answer = httpx2.post(f"{url}/agents/invoices/runs", files=[upload(1)], timeout=30)
        assert answer.json()["status"] == "COMPLETED"
        process.send_signal(signal.SIGTERM)
        code, out, err = finished(process, 20)
    assert (code, out) == (0, ""), err


def test_what_was_accepted_before_a_kill_is_carried_on(place: str) -> None:
    with serving(place, env={"TEST_SLOW": "60"}) as (url, process):
        form = {"background": "true"}
        answer = httpx2.post(f"{url}/agents/slow/runs", data=form, files=[upload(1)], timeout=30)
        assert answer.status_code == 202
        run_id = answer.json()["run_id"]
        process.kill()
    with serving(place, env={"TEST_SLOW": "0"}) as (url, _):
        until(lambda: httpx2.get(f"{url}/agents/slow/runs/{run_id}").json()["status"] == "COMPLETED")
    assert rows_at(place, "SELECT count(*) FROM nightdrop_runs") == [(1,)]


def test_who_waits_is_answered_when_it_stops(tmp_path: Path) -> None:
    """The run is not cancelled by that: it waits for the next process."""
    place = str(tmp_path / "n.db")
    with serving(place, env={"TEST_SLOW": "60"}) as (url, process), httpx2.Client(base_url=url, timeout=30) as client:
        with client.stream("POST", "/agents/slow/runs", data={"stream": "true"}, files=[upload(2)]) as events:
            lines = events.iter_lines()
            until(lambda: next(lines).startswith("event: status"))
            process.send_signal(signal.SIGTERM)
            assert not [line for line in lines if line.startswith("event: end")]
        assert process.wait(30) == 0
    assert rows_at(place, "SELECT status FROM nightdrop_runs") == [("PENDING",)]


def test_an_address_that_other_machines_reach_is_refused_within_5_seconds(tmp_path: Path) -> None:
    started = time.monotonic()
    process = nightdrop("serve", f"{APP}:agent_os", "--host", "0.0.0.0", env={"TEST_DB": str(tmp_path / "n.db")})
    code, _, err = finished(process)
    assert code == 2
    assert "bad_argument" in err
    assert time.monotonic() - started < 5


def test_a_port_that_is_taken_and_an_app_that_is_none(tmp_path: Path) -> None:
    env = {"TEST_DB": str(tmp_path / "n.db")}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = finished(nightdrop("serve", f"{APP}:agent_os", "--port", port, env=env))
    assert (code, "cannot listen" in err) == (2, True), err
    code, _, err = finished(nightdrop("serve", f"{APP}:nothing", env=env))
    assert (code, "has no 'nothing'" in err) == (2, True), err


def test_an_agent_os_serves_itself(place: str) -> None:
    from nightdrop.store.place import database_at
    from tests.http.served_app import agents_on

    db = database_at(place)
    agent_os = AgentOS(agents=agents_on(db), db=db)
    with running(agent_os) as url:
        assert len(httpx2.get(f"{url}/agents").json()["items"]) == 1
    with pytest.raises(UsageError, match="other machines"):
        agent_os.serve("0.0.0.0", 0)
    with pytest.raises(UsageError, match="no address"):
        agent_os.serve("no.such.host.invalid", 0)
    with pytest.raises(UsageError, match="65535"):
        agent_os.serve("127.0.0.1", 70_000)
