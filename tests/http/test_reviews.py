"""Reviews over HTTP: looked at with their page, decided once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from reportlab.pdfgen.canvas import Canvas

from nightdrop import Agent, AgentOS, ReviewPolicy
from nightdrop.records.token import Scope
from nightdrop.rules import one_of
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.store.tokens import create_token
from tests.http.conftest import running, until

RUNS = "/agents/bills/runs"


def bill() -> bytes:
    """A page that the local reader reads, with a number that the rule of the agent does not know."""
    out = io.BytesIO()
    canvas = Canvas(out)
    for row, text in enumerate(("Invoice number: R-7", "Invoice date: 2026-03-01", "Total: 119.00 EUR")):
        canvas.drawString(60, 700 - 20 * row, text)
    canvas.save()
    return out.getvalue()


@pytest.fixture
def client(db: Database) -> Iterator[httpx2.Client]:
    rules = [one_of("invoice_number", ["R-8"]), one_of("currency", ["USD"])]
    agent = Agent(
        id="bills", model="local", output_schema=Invoice, validators=rules, review=ReviewPolicy(below=0.4), db=db
    )
    with running(AgentOS(agents=[agent])) as url, httpx2.Client(base_url=url, timeout=30) as client:
        yield client


def handed_in(client: httpx2.Client) -> dict[str, Any]:
    answer = client.post(RUNS, files=[("files", ("bill.pdf", bill(), "application/pdf"))])
    assert answer.status_code == 202, answer.text
    run: dict[str, Any] = answer.json()
    assert run["status"] == "PAUSED"
    return run


def test_a_review_is_looked_at_and_decided(client: httpx2.Client) -> None:
    run = handed_in(client)
    items = client.get("/reviews", params={"run_id": run["run_id"]}).json()["items"]
    number = next(item for item in items if item["field"] == "invoice_number")
    assert {item["field"] for item in items} == {"invoice_number", "currency"}
    assert (number["value"], number["schema"]["anyOf"][0]["type"]) == ("R-7", "string")
    assert len(number["found"]["bbox"]) == 4
    page = client.get(number["page_image"])
    assert (page.status_code, page.headers["content-type"]) == (200, "image/png")
    place = f"/reviews/{number['id']}"
    assert client.get(place).json() == number
    first = client.post(f"{place}/decision", json={"decision": "correct", "value": "R-8", "reviewer": "ann"})
    assert first.status_code == 200, first.text
    assert (first.json()["state"], first.json()["reviewer"], first.json()["run_status"]) == (
        "corrected",
        "ann",
        "PAUSED",
    )
    again = client.post(f"{place}/decision", json={"decision": "accept"})
    assert (again.status_code, again.json()["code"]) == (409, "review_decided")
    (other,) = client.get("/reviews", params={"run_id": run["run_id"]}).json()["items"]
    client.post(f"/reviews/{other['id']}/decision", json={"decision": "accept", "note": "fine"})
    done = until(lambda: (r := client.get(f"{RUNS}/{run['run_id']}").json())["status"] == "COMPLETED" and r)
    assert done["content"]["invoice_number"] == "R-8"
    assert done["fields"]["invoice_number"]["reviewed"] == "corrected"
    rows = client.get("/reviews/accuracy", params={"agent_id": "bills"}).json()["items"]
    assert {(row["field"], row["right"], row["wrong"]) for row in rows} == {
        ("currency", 1, 0),
        ("invoice_number", 0, 1),
    }


def test_what_cannot_be_decided_says_why(client: httpx2.Client) -> None:
    run = handed_in(client)
    first, second = client.get("/reviews", params={"limit": 2}).json()["items"]
    page = client.get("/reviews", params={"limit": 1, "cursor": first["id"]}).json()
    assert [item["id"] for item in page["items"]] == [second["id"]]
    place = f"/reviews/{first['id']}/decision"

    def code(place: str, body: Any) -> tuple[int, str]:
        answer = client.post(place, json=body)
        return answer.status_code, answer.json()["code"]

    assert code(place, {"decision": "correct"}) == (422, "bad_argument")
    assert code(place, {"decision": "accept", "value": 1}) == (422, "bad_argument")
    assert code(place, {"decision": "correct", "value": {"no": "text"}}) == (422, "correction_invalid")
    assert client.post(place, json={"decision": "maybe"}).status_code == 422
    assert code("/reviews/none/decision", {"decision": "accept"}) == (404, "review_not_found")
    assert code(f"{RUNS}/{run['run_id']}/continue", {"answer": 1}) == (409, "run_in_review")
    rejected = client.post(place, json={"decision": "reject", "note": "no"}).json()
    assert rejected["run_status"] == "ERROR"
    assert client.get("/reviews").json()["items"] == []
    (letter,) = client.get("/dead-letters", params={"code": "review_rejected"}).json()["items"]
    assert letter["run_id"] == run["run_id"]


def test_a_decision_needs_its_scope_and_keeps_whose_token_it_was(db: Database, client: httpx2.Client) -> None:
    handed_in(client)
    (first, *_) = client.get("/reviews").json()["items"]
    made = {scope: create_token(db, [scope], name=f"t-{scope}")[1] for scope in (Scope.READ, Scope.REVIEW)}
    place = f"/reviews/{first['id']}/decision"
    body = {"decision": "accept", "reviewer": "ann"}

    def post(scope: Scope) -> httpx2.Response:
        return client.post(place, json=body, headers={"Authorization": f"Bearer {made[scope]}"})

    until(lambda: client.get("/reviews").status_code == 401)
    assert post(Scope.READ).json()["code"] == "scope_missing"
    assert post(Scope.REVIEW).json()["reviewer"] == "ann (t-review)"
