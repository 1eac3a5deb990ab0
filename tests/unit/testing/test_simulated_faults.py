from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from http.client import RemoteDisconnected
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from provider_client import PDF, SCHEMA, ManualTime, Start, chat_body

from nightdrop.errors import UsageError
from nightdrop.schemas import Invoice
from nightdrop.testing import Fault, FaultPlan, Limits, Timing
from nightdrop.testing.spoil import misfit

SHA = hashlib.sha256(PDF).hexdigest()
HTTP_ERRORS = [
    ("500", 500, None),
    ("503", 503, None),
    ("529", 529, None),
    ("429", 429, "rate_limit_exceeded"),
    ("401", 401, "invalid_api_key"),
    ("insufficient_quota", 429, "insufficient_quota"),
]


@pytest.mark.parametrize(("kind", "status", "code"), HTTP_ERRORS)
@pytest.mark.parametrize("stream", [False, True])
def test_http_errors(start: Start, kind: str, status: int, code: str | None, stream: bool) -> None:
    client = start(faults=[Fault(kind=kind)])
    for answer in (client.chat(stream=stream), client.responses(stream=stream)):
        assert answer.status == status
        assert answer.json["error"]["code"] == code
        assert answer.json["error"]["message"]
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers.get("retry-after") == ("1" if kind == "429" else None)
    assert {(call.outcome, call.billed, call.cents) for call in client.provider.meter.calls} == {
        (kind, False, Decimal(0))
    }


def test_retry_after_of_a_429(start: Start) -> None:
    client = start(faults=[Fault(kind="429", seconds=2.5)])
    answer = client.chat()
    assert (answer.headers["retry-after"], answer.headers["retry-after-ms"]) == ("3", "2500")


@pytest.mark.parametrize(("kind", "billed"), [("reset", False), ("reset_after", True)])
def test_resets(start: Start, kind: str, billed: bool) -> None:
    client = start(faults={1: kind})
    with pytest.raises(ConnectionResetError) as caught:
        client.chat()
    assert not isinstance(caught.value, RemoteDisconnected)  # a real RST, not a polite end
    assert client.chat().status == 200
    first = client.provider.meter.calls[0]
    assert (first.outcome, first.billed, first.cents > 0) == (kind, billed, billed)


@pytest.mark.parametrize("billed", [None, True])
def test_timeout_never_answers(start: Start, billed: bool | None) -> None:
    client = start(faults=[Fault(kind="timeout", billed=billed)])
    connection = client.connect()
    connection.request("POST", "/v1/chat/completions", json.dumps(chat_body()))
    connection.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        connection.getresponse()
    assert client.provider.in_flight == 1
    connection.close()
    client.provider.wait_idle()
    assert [(call.outcome, call.billed) for call in client.provider.meter.calls] == [("timeout", bool(billed))]


@pytest.mark.parametrize("stream", [False, True])
def test_truncated(start: Start, stream: bool) -> None:
    client = start(faults=[Fault(kind="truncated")])
    chat, responses = client.chat(stream=stream), client.responses(stream=stream)
    if stream:
        text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chat.events[:-1])
        finish = chat.events[-2]["choices"][0]["finish_reason"]
        last = responses.events[-1]["response"]
        assert responses.events[-1]["type"] == "response.incomplete"
    else:
        text = chat.json["choices"][0]["message"]["content"]
        finish = chat.json["choices"][0]["finish_reason"]
        last = responses.json
    assert finish == "length"
    assert (last["status"], last["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    for cut in (text, last["output"][0]["content"][0]["text"]):
        with pytest.raises(json.JSONDecodeError):
            json.loads(cut)
    assert {call.billed for call in client.provider.meter.calls} == {True}


def test_invalid(start: Start) -> None:
    client = start(faults=[Fault(kind="invalid")])
    text = client.chat().json["choices"][0]["message"]["content"]
    assert not Draft202012Validator(SCHEMA).is_valid(json.loads(text))


@pytest.mark.parametrize(
    "schema", [Invoice.model_json_schema(), {"type": "array"}, {"type": "integer"}, {"type": "object"}]
)
def test_a_misfit_never_fits(schema: dict[str, Any]) -> None:
    assert not Draft202012Validator(schema).is_valid(json.loads(misfit("{}", schema)))


def test_refusal(start: Start) -> None:
    client = start(faults=[Fault(kind="refusal")])
    message = client.chat().json["choices"][0]["message"]
    assert message["content"] is None
    assert "cannot help" in message["refusal"]
    assert client.responses().json["output"][0]["content"][0]["type"] == "refusal"
    types = [event["type"] for event in client.responses(stream=True).events]
    assert "response.refusal.done" in types
    deltas = [chunk["choices"][0]["delta"] for chunk in client.chat(stream=True).events[:-1]]
    assert "cannot help" in "".join(delta.get("refusal", "") for delta in deltas)


@pytest.mark.parametrize("stream", [False, True])
def test_slow_drip(start: Start, stream: bool) -> None:
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(seconds)

    client = start(faults=[Fault(kind="slow_drip", seconds=4)], timing=Timing(sleep=sleep))
    answer = client.responses(stream=stream)
    whole = answer.events[-1]["response"] if stream else answer.json
    assert whole["status"] == "completed"
    assert sum(naps) == pytest.approx(4)
    assert len(naps) > 10
    assert client.provider.meter.calls[0].outcome == "slow_drip"


def test_a_slow_drip_ends_when_the_client_goes(start: Start, time: ManualTime) -> None:
    client = start(faults=[Fault(kind="slow_drip")], timing=time.timing)
    connection = client.connect()
    connection.request("POST", "/v1/chat/completions", json.dumps(chat_body()))
    connection.getresponse().close()
    connection.close()
    client.request("GET", "/_meter")  # by now the server has seen the client go
    time.wait_for_sleepers(1)
    time.advance(1)
    client.provider.wait_idle()
    assert client.provider.meter.totals().billed_calls == 1


def test_faults_are_changed_over_http(start: Start) -> None:
    client = start()
    assert client.chat().status == 200
    plan = client.request("POST", "/_faults", {"seed": 3, "faults": [{"kind": "500", "calls": [2]}]})
    assert plan.json == {"seed": 3, "faults": [{"kind": "500", "calls": [2]}]}
    assert [client.chat().status for _ in range(3)] == [200, 500, 200]
    assert client.request("POST", "/_faults", {SHA: "401"}).status == 200
    assert [client.chat().status, client.chat(file=b"x").status] == [401, 200]
    assert client.request("POST", "/_faults", [{"kind": "earthquake"}]).status == 400
    assert client.request("GET", "/_faults").json["faults"] == [{"kind": "401", "files": [SHA]}]
    client.provider.set_faults(None)
    assert client.chat().status == 200


def decide(plan: FaultPlan, *documents: str) -> list[str | None]:
    found = [plan.decide(document, (document,)) for document in documents]
    return [None if fault is None else str(fault.kind) for fault in found]


def test_the_first_calls_of_every_document() -> None:
    plan = FaultPlan([Fault(kind="500", first=2)])
    assert decide(plan, "a", "b", "a", "a", "b", "b") == ["500", "500", "500", None, "500", None]


def test_rules_in_order_with_times_and_files() -> None:
    plan = FaultPlan([Fault(kind="reset", files=("b",), times=1), Fault(kind="429", calls=(1, 4))])
    assert decide(plan, "a", "b", "b", "b", "b") == ["429", "reset", None, "429", None]


def test_probability_does_not_depend_on_order() -> None:
    documents = [f"doc{number}" for number in range(400)]
    rule = Fault(kind="500", probability=0.25)
    there = dict(zip(documents, decide(FaultPlan([rule], seed=1), *documents), strict=True))
    backward = decide(FaultPlan([rule], seed=1), *reversed(documents))
    assert there == dict(zip(reversed(documents), backward, strict=True))
    assert 70 < sum(kind is not None for kind in there.values()) < 130
    assert decide(FaultPlan([rule], seed=2), *documents) != list(there.values())


@pytest.mark.parametrize("data", ["500", [{"calls": [1]}], [{"kind": "500", "when": 1}], {"abc": "500"}, {"1": "bang"}])
def test_wrong_plans_are_refused(data: object) -> None:
    with pytest.raises(UsageError):
        FaultPlan.from_json(data)


def test_calls_that_a_limit_refused_do_not_count(start: Start, time: ManualTime) -> None:
    client = start(limits=Limits(requests_per_minute=60, window_seconds=1), faults={2: "500"}, timing=time.timing)
    statuses = [client.chat().status, client.chat().status]
    time.advance(1)
    assert [*statuses, client.chat().status] == [200, 429, 500]
