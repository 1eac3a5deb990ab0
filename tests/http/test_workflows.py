"""Workflows over HTTP: the same routes as agents, with files, events, pauses and retries."""

from __future__ import annotations

from nightdrop import Agent, StepInput, pause
from nightdrop.schemas import Invoice
from tests.flaky import Flaky
from tests.http.conftest import Served, sent_events, serve, upload


def number(given: StepInput) -> str:
    """What the reader found."""
    return str(given.previous_step_content.invoice_number)


def first(given: StepInput) -> int:
    return 1


def second(given: StepInput) -> int:
    return given.previous_step_content + 1


def test_a_workflow_runs_over_the_files_of_a_form(served: Served) -> None:
    place = serve(served, Agent(id="reader", model="local", output_schema=Invoice), number)
    answer = served.client.post(place, data={"message": "Read."}, files=[upload(3)])
    assert answer.status_code == 200
    run = answer.json()
    assert (run["status"], run["content"], run["agent_id"]) == ("COMPLETED", "INV-00003", None)
    assert [step["path"] for step in run["steps"]] == ["reader", "number"]
    assert answer.headers["location"] == f"{place}/{run['run_id']}"
    assert served.client.get(answer.headers["location"]).json() == run
    (listed,) = served.client.get(place).json()["items"]
    assert (listed["run_id"], listed["steps"]) == (run["run_id"], [])
    assert served.client.get(f"/agents/invoices/runs/{run['run_id']}").status_code == 404


def test_workflows_are_listed_with_their_nodes(served: Served) -> None:
    place = serve(served, Flaky())
    one = served.client.get(place.removesuffix("/runs")).json()
    assert one["shape"]["steps"] == [{"name": "Flaky", "kind": "function"}]
    assert one in served.client.get("/workflows").json()["items"]
    missing = served.client.get("/workflows/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "workflow_not_found")
    assert served.client.get("/workflows/nothing/runs").json()["code"] == "workflow_not_found"


def test_a_failed_run_is_tried_again(served: Served) -> None:
    place = serve(served, Flaky())
    failed = served.client.post(place, data={"message": "x"})
    assert (failed.status_code, failed.json()["code"]) == (500, "step_failed")
    run_id = failed.json()["run"]["run_id"]
    assert served.client.post(f"{place}/{run_id}/retry").status_code == 202
    events = sent_events(served.client.get(f"/runs/{run_id}/events"))
    assert events[-1][2]["content"] == 2
    assert served.client.post(f"{place}/{run_id}/cancel").json() == {"open": 0}


def test_a_retry_says_in_the_query_or_the_body_from_which_step(served: Served) -> None:
    place = serve(served, first, second)
    run_id = served.client.post(place, data={"message": "x"}).json()["run_id"]
    for said in ({"params": {"from_step": "nothing"}}, {"json": {"from_step": "nothing"}}):
        missing = served.client.post(f"{place}/{run_id}/retry", **said)
        assert (missing.status_code, missing.json()["code"]) == (404, "step_not_found")
    assert served.client.post(f"{place}/{run_id}/retry", json={"step": "x"}).status_code == 422
    again = served.client.post(f"{place}/{run_id}/retry", json={"from_step": "second"})
    assert again.status_code == 202
    assert again.json()["run_id"] != run_id  # of a COMPLETED run, a new one


def test_a_paused_run_is_answered(served: Served) -> None:
    def ask(given: StepInput) -> str:
        return str(pause("Fine?"))

    place = serve(served, ask)
    run = served.client.post(place, data={"message": "x"}).json()
    assert (run["status"], run["pause"]) == ("PAUSED", {"question": "Fine?", "data": {}, "step": "ask"})
    body = {"answer": "yes", "background": False}
    assert served.client.post(f"{place}/{run['run_id']}/continue", json=body).json()["content"] == "yes"
