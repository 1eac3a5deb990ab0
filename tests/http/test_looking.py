"""Dead letters, costs, providers, schedules and metrics over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from nightdrop import Agent, AgentOS
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.testing import SimulatedProvider
from tests.conftest import invoice_text, scan_png
from tests.http.conftest import running, until

RUNS = "/agents/invoices/runs"


@pytest.fixture
def client(db: Database, tmp_path: Path) -> Iterator[httpx2.Client]:
    (tmp_path / "drop").mkdir()
    agents = [Agent(id="invoices", model="local", output_schema=Invoice, db=db)]
    agent_os = AgentOS(agents=agents, scheduler=True)
    with (
        running(agent_os, allow_paths=[str(tmp_path / "drop")]) as url,
        httpx2.Client(base_url=url, timeout=30) as client,
    ):
        yield client


def fail(client: httpx2.Client, message: str = "Read.") -> str:
    files = [("files", ("scan.png", scan_png(), "image/png"))]
    return str(client.post(RUNS, data={"message": message}, files=files).json()["run"]["run_id"])


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_dead_letters_are_looked_at_and_dealt_with(client: httpx2.Client) -> None:
    run_ids = [fail(client, f"{n}") for n in range(3)]
    items = client.get("/dead-letters", params={"state": "open", "code": "no_text"}).json()["items"]
    assert [letter["run_id"] for letter in items] == run_ids[::-1]
    first, second = client.get("/dead-letters", params={"limit": 2}).json()["items"]
    page = client.get("/dead-letters", params={"cursor": second["id"]}).json()
    assert ([letter["run_id"] for letter in page["items"]], page["next_cursor"]) == ([run_ids[0]], None)
    place = f"/dead-letters/{first['id']}"
    cared = client.post(f"{place}/assign", json={"assignee": "mira", "note": "a scan"}).json()
    assert (cared["assignee"], cared["note"]) == ("mira", "a scan")
    replayed = client.post(f"{place}/replay").json()
    assert (replayed["replayed"], replayed["items"][0]["attempt"]) == (1, 2)
    until(lambda: client.get(f"{RUNS}/{first['run_id']}").json()["attempts"] == 2)
    assert code(client.post(f"{place}/replay")) == (409, "dead_letter_outdated")
    assert client.get(place).json()["state"] == "replayed"
    assert client.post(f"/dead-letters/{second['id']}/discard").json() == {"discarded": 1}
    assert client.post("/dead-letters/discard", json={"code": "none"}).json() == {"discarded": 0}
    assert client.post("/dead-letters/replay", json={"all": True}).json()["replayed"] >= 1
    assert code(client.post("/dead-letters/replay", json={})) == (422, "bad_argument")
    assert code(client.get("/dead-letters/none")) == (404, "dead_letter_not_found")


def test_costs_are_summed(db: Database, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with SimulatedProvider() as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        Agent(id="paid", model="openai-chat:gpt-4o-mini", db=db).run("Read.", files=[])
    by_agent = client.get("/costs", params={"group_by": "agent"}).json()
    assert [(line["key"], line["calls"]) for line in by_agent["items"]] == [("paid", 1)]
    assert by_agent["total"]["calls"] == 1
    none = client.get("/costs", params={"until": "2020-01-01T00:00:00Z"}).json()
    assert (none["items"], none["total"]["calls"]) == ([], 0)
    assert code(client.get("/costs", params={"group_by": "colour"})) == (422, "bad_argument")
    assert code(client.get("/costs", params={"since": "2020-01-01T00:00:00"})) == (422, "bad_argument")


def test_providers_are_paused_and_resumed(client: httpx2.Client) -> None:
    assert client.post("/providers/openai/pause", json={"reason": "a dispute"}).json() == {"name": "openai"}
    (paused,) = client.get("/providers").json()["items"]
    assert (paused["provider"], paused["state"], paused["message"]) == ("openai", "paused", "a dispute")
    assert client.post("/providers/openai/resume").json() == {"freed": 0}
    assert code(client.post("/providers/openai/resume")) == (409, "provider_not_paused")
    assert client.get("/providers").json()["items"] == []


def test_a_schedule_from_its_making_to_its_fires(client: httpx2.Client, tmp_path: Path) -> None:
    (tmp_path / "drop" / "a.txt").write_text(invoice_text(1))
    body: dict[str, Any] = {
        "name": "nightly",
        "cron": "0 2 * * *",
        "endpoint": RUNS,
        "payload": {"message": "Read.", "files": str(tmp_path / "drop"), "settle_seconds": 0},
    }
    made = client.post("/schedules", json=body)
    assert made.status_code == 201
    place = made.headers["location"]
    assert client.get("/schedules/nightly").json() == client.get(place).json() == made.json()
    assert code(client.post("/schedules", json=body)) == (409, "schedule_exists")
    assert client.post("/schedules", json={**body, "if_exists": "skip"}).json()["id"] == made.json()["id"]
    assert client.patch(place, json={"cron": "30 3 * * *"}).json()["cron"] == "30 3 * * *"
    assert client.post(f"{place}/disable").json()["next_fire_at"] is None
    assert client.get("/schedules", params={"enabled": "true"}).json()["items"] == []
    assert client.post(f"{place}/enable").json()["enabled"] is True
    fired = client.post(f"{place}/trigger")
    assert (fired.status_code, fired.json()["status"]) == (202, "pending")
    fire = until(lambda: (f := client.get(f"{place}/runs").json()["items"][0])["status"] == "success" and f)
    assert (fire["id"], fire["status_code"]) == (fired.json()["id"], 202)
    batch = client.get(f"/batches/{fire['batch_id']}").json()
    assert (batch["total"], batch["failed"]) == (1, 0)
    assert client.get("/schedule-runs", params={"status": "success"}).json()["items"] == [fire]
    assert client.get("/schedule-runs", params={"status": "failed"}).json()["items"] == []
    assert client.delete(place).status_code == 204
    assert code(client.get(place)) == (404, "schedule_not_found")
    assert client.get("/schedule-runs").json()["items"] == [fire]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"files": "/etc"}, "path_refused"),
        ({"files": "sftp://10.0.0.1/drop"}, "path_refused"),
        ({"files": "DROP", "after": "move:../../out"}, "path_refused"),
        ({"files": "DROP", "after": "burn"}, "schedule_invalid"),
        ({"files": "DROP", "within": ["/"]}, "bad_argument"),
    ],
)
def test_a_payload_that_is_not_allowed(
    client: httpx2.Client, tmp_path: Path, payload: dict[str, Any], expected: str
) -> None:
    given = {name: str(tmp_path / "drop") if value == "DROP" else value for name, value in payload.items()}
    body = {"name": "n", "cron": "@daily", "endpoint": RUNS, "payload": given}
    assert code(client.post("/schedules", json=body)) == (422, expected)


def test_fields_of_a_schedule_are_named(client: httpx2.Client) -> None:
    body = {"name": "n", "cron": "@daily", "endpoint": RUNS}
    for wrong in ({"cron": "nonsense"}, {"timezone": "Mars/Olympus"}, {"endpoint": "/x"}, {"max_retries": -1}):
        answer = client.post("/schedules", json={**body, **wrong})
        assert code(answer) == (422, "schedule_invalid")
        assert next(iter(wrong)) in answer.json()["detail"]
