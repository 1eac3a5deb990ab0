"""Runs over HTTP: handed in with their documents, waited for or not, looked up, listed, stopped, tried again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from nightdrop import pause
from nightdrop.testing import SimulatedProvider, ToolCall
from tests.conftest import invoice_text, rows_at, scan_png
from tests.http.conftest import Served, sent_events, until, upload

MODEL = "openai-chat:gpt-4o-mini"
MESSAGE = {"message": "Extract this invoice."}


def ended(client: httpx2.Client, place: str) -> dict[str, object]:
    """The run at this path once it is no longer open."""

    def look() -> dict[str, object] | None:
        run = client.get(place).json()
        return None if run["status"] in ("PENDING", "RUNNING") else run

    return dict(until(look))


def test_a_run_is_waited_for(client: httpx2.Client) -> None:
    answer = client.post("/agents/invoices/runs", data=MESSAGE, files=[upload(1)])
    assert answer.status_code == 200
    run = answer.json()
    assert (run["status"], run["content"]["invoice_number"]) == ("COMPLETED", "INV-00001")
    assert answer.headers["location"] == f"/agents/invoices/runs/{run['run_id']}"
    assert client.get(answer.headers["location"]).json() == run
    (file,) = run["input"]["files"]
    assert (file["filename"], file["file"]) == ("invoice-00001.txt", "invoice-00001.txt")


def test_a_background_run_is_committed_before_it_is_answered(served: Served) -> None:
    answer = served.client.post("/agents/invoices/runs", data={**MESSAGE, "background": "true"}, files=[upload(2)])
    assert answer.status_code == 202
    accepted = answer.json()
    rows = rows_at(served.place, "SELECT count(*) FROM nightdrop_runs WHERE run_id = ?", (accepted["run_id"],))
    assert rows == [(1,)]
    run = ended(served.client, answer.headers["location"])
    assert (run["status"], run["session_id"]) == ("COMPLETED", accepted["session_id"])


def test_a_session_is_one_run_and_ids_and_metadata_are_kept(client: httpx2.Client) -> None:
    form = {**MESSAGE, "session_id": "s-1", "user_id": "u-1", "metadata": '{"ticket": 7}'}
    first = client.post("/agents/invoices/runs", data=form, files=[upload(3)]).json()
    second = client.post("/agents/invoices/runs", data=form, files=[upload(3)]).json()
    assert first["run_id"] == second["run_id"]
    assert (first["session_id"], first["user_id"], first["metadata"]) == ("s-1", "u-1", {"ticket": 7})
    again = client.post("/agents/invoices/runs", data={**form, "rerun": "true"}, files=[upload(3)]).json()
    assert again["run_id"] != first["run_id"]


def test_runs_are_listed_in_pages_newest_first(served: Served) -> None:
    agent, client = served.agent(), served.client
    made = [
        client.post(f"/agents/{agent.id}/runs", data={**MESSAGE, "session_id": f"s{n}"}, files=[upload(n)]).json()
        for n in range(5)
    ]
    ids = [run["run_id"] for run in reversed(made)]
    seen, cursor = [], None
    while True:
        page = client.get(f"/agents/{agent.id}/runs", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        seen += [run["run_id"] for run in page.json()["items"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == ids
    one = client.get(f"/agents/{agent.id}/runs", params={"session_id": "s3", "status": "COMPLETED"}).json()
    assert [run["run_id"] for run in one["items"]] == [made[3]["run_id"]]
    assert client.get(f"/agents/{agent.id}/runs", params={"status": "ERROR"}).json()["items"] == []


def test_what_is_not_there(client: httpx2.Client) -> None:
    run_id = client.post("/agents/invoices/runs", data=MESSAGE, files=[upload(4)]).json()["run_id"]
    for path, code in (
        ("/agents/nobody", "agent_not_found"),
        ("/agents/nobody/runs", "agent_not_found"),
        ("/agents/invoices/runs/nothing", "run_not_found"),
        (f"/agents/nobody/runs/{run_id}", "run_not_found"),
        ("/runs/nothing/events", "run_not_found"),
        ("/nowhere", "route_not_found"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, code), path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == f"urn:nightdrop:error:{code}"


def test_a_run_that_fails_is_a_problem_with_the_run_and_can_be_tried_again(client: httpx2.Client) -> None:
    scan = ("files", ("scan.png", scan_png(), "image/png"))
    answer = client.post("/agents/invoices/runs", data=MESSAGE, files=[scan])
    assert (answer.status_code, answer.json()["code"]) == (422, "no_text")
    run = answer.json()["run"]
    assert (run["status"], run["attempts"]) == ("ERROR", 1)
    place = answer.headers["location"]
    again = client.post(f"{place}/retry")
    assert (again.status_code, again.json()["status"]) == (202, "PENDING")
    until(lambda: (run := client.get(place).json())["status"] == "ERROR" and run["attempts"] == 2)
    completed = client.post("/agents/invoices/runs", data=MESSAGE, files=[upload(5)]).json()["run_id"]
    refused = client.post(f"/agents/invoices/runs/{completed}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "run_not_retryable")


class Paid(BaseModel):
    """An invoice of one field."""

    invoice_number: str


@contextmanager
def provided(monkeypatch: pytest.MonkeyPatch, **options: Any) -> Iterator[SimulatedProvider]:
    """A provider that runs, and that OPENAI_BASE_URL names."""
    with SimulatedProvider(answers=lambda request: {"invoice_number": "R-7"}, **options) as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        yield provider


def test_a_run_is_cancelled(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with provided(monkeypatch, latency=30):
        agent = served.agent(model=MODEL)
        form = {**MESSAGE, "background": "true"}
        place = served.client.post(f"/agents/{agent.id}/runs", data=form, files=[upload(6)]).headers["location"]
        until(lambda: served.client.get(place).json()["status"] == "RUNNING")
        assert served.client.post(f"{place}/cancel").json() == {"open": 1}
        assert ended(served.client, place)["status"] == "CANCELLED"
        assert served.client.post(f"{place}/cancel").json() == {"open": 0}


def approve(amount: int) -> str:
    """Ask a person whether an amount may be paid."""
    return str(pause(f"Approve {amount} EUR?", amount=amount))


def test_a_paused_run_is_answered(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with provided(monkeypatch, tools=[ToolCall(name="approve", arguments={"amount": 500})]):
        agent = served.agent(model=MODEL, output_schema=Paid, tools=[approve])
        answer = served.client.post(f"/agents/{agent.id}/runs", data=MESSAGE, files=[upload(7)])
        assert (answer.status_code, answer.json()["status"]) == (202, "PAUSED")
        assert answer.json()["pause"] == {"question": "Approve 500 EUR?", "data": {"amount": 500}, "step": None}
        place = answer.headers["location"]
        done = served.client.post(f"{place}/continue", json={"answer": "yes", "background": False})
        assert (done.status_code, done.json()["status"]) == (200, "COMPLETED")
        twice = served.client.post(f"{place}/continue", json={"answer": "yes"})
        assert (twice.status_code, twice.json()["code"]) == (409, "run_not_paused")


def test_a_document_comes_back_as_it_was_handed_in(client: httpx2.Client) -> None:
    content = invoice_text(8).encode()
    client.post("/agents/invoices/runs", data=MESSAGE, files=[upload(8)])
    found = client.get(f"/documents/{hashlib.sha256(content).hexdigest()}")
    assert (found.content, found.headers["content-type"]) == (content, "text/plain; charset=utf-8")
    missing = client.get(f"/documents/{'0' * 64}")
    assert (missing.status_code, missing.json()["code"]) == (404, "document_not_found")
    assert client.get("/documents/../secrets").status_code == 404


def test_pages_are_drawn(client: httpx2.Client) -> None:
    client.post("/agents/invoices/runs", data=MESSAGE, files=[("files", ("scan.png", scan_png(), "image/png"))])
    sha256 = hashlib.sha256(scan_png()).hexdigest()
    page = client.get(f"/documents/{sha256}/pages/1.png")
    assert (page.headers["content-type"], page.content[:4]) == ("image/png", b"\x89PNG")
    assert client.get(f"/documents/{sha256}/pages/2.png").json()["code"] == "document_not_found"
    text = hashlib.sha256(invoice_text(8).encode()).hexdigest()
    assert client.get(f"/documents/{text}/pages/1.png").status_code in (404, 415)


def test_agents_are_described(client: httpx2.Client) -> None:
    listed = client.get("/agents").json()["items"]
    assert listed[0]["id"] == "invoices"
    one = client.get("/agents/invoices").json()
    assert one == listed[0]
    assert "invoice_number" in one["output_schema"]["properties"]


def test_a_streamed_run_ends_with_the_run(client: httpx2.Client) -> None:
    answer = client.post("/agents/invoices/runs", data={**MESSAGE, "stream": "true"}, files=[upload(9)])
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = sent_events(answer)
    last_id, name, run = events[-1]
    assert (name, run["status"]) == ("end", "COMPLETED")
    over = client.get(f"/runs/{run['run_id']}/events", headers={"Last-Event-ID": last_id})
    assert over.status_code == 204
    whole = sent_events(client.get(f"/runs/{run['run_id']}/events"))
    assert [name for _, name, _ in whole] == ["end"]
