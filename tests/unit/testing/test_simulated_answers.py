from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate
from provider_client import PDF, SCHEMA, Client, Start, chat_body, data_url, responses_body

from nightdrop.schemas import Invoice
from nightdrop.testing import Answers, ModelRequest, SimulatedProvider, ToolCall
from nightdrop.testing.request_body import lift, read_request

SHA = hashlib.sha256(PDF).hexdigest()
RECEIPT = {"shop": "Corner", "total": 3.5}
WEATHER = {
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
FINAL = {"name": "final_result", "parameters": SCHEMA}


def text_of(answer: Any) -> str:
    if "choices" in answer:
        return str(answer["choices"][0]["message"]["content"])
    return str(answer["output"][0]["content"][0]["text"])


def test_answers_by_file_hash(start: Start) -> None:
    client = start(answers={SHA: RECEIPT})
    assert json.loads(text_of(client.chat().json)) == RECEIPT
    assert json.loads(text_of(client.responses().json)) == RECEIPT
    other = json.loads(text_of(client.chat(file=b"another").json))
    assert other != RECEIPT
    validate(other, SCHEMA)


def test_answers_by_schema_name_and_from_paths(start: Start, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    assert Answers.for_files({tmp_path / "a.pdf": RECEIPT}).table == {SHA: RECEIPT}
    client = start(answers={"Receipt": Invoice.model_validate({"invoice_number": "1"})})
    assert json.loads(text_of(client.responses(file=None).json))["invoice_number"] == "1"


def test_answers_from_a_function(start: Start) -> None:
    async def hook(request: ModelRequest) -> Any:
        assert request.text == "Extract."
        return {"shop": request.files[0].content.decode(), "total": 1} if request.hashes == (SHA,) else None

    client = start(answers=hook)
    assert json.loads(text_of(client.chat().json))["shop"] == PDF.decode()
    validate(json.loads(text_of(client.chat(file=b"x").json)), SCHEMA)


def test_a_failing_function_is_a_500_of_its_own(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    def hook(request: ModelRequest) -> Any:
        raise RuntimeError("my test is wrong")

    client = start(answers=hook)
    answer = client.chat()
    assert answer.status == 500
    assert "my test is wrong" in answer.json["error"]["message"]
    assert [(call.outcome, call.billed) for call in client.provider.meter.calls] == [("simulator_error", False)]
    assert client.provider.in_flight == 0
    assert "my test is wrong" in caplog.text


def test_same_document_and_message_same_answer(start: Start) -> None:
    client = start()
    assert text_of(client.chat().json) == text_of(client.responses().json)
    assert text_of(client.chat().json) != text_of(client.chat(text="Something else").json)


def test_plain_text(start: Start) -> None:
    client = start(answers={SHA: "It is a receipt."})
    assert text_of(client.chat(schema=None).json) == "It is a receipt."
    assert text_of(client.responses(schema=None, file=None).json).startswith("Simulated answer ")


def test_answers_can_change(start: Start) -> None:
    client = start()
    client.provider.set_answers({SHA: RECEIPT})
    assert json.loads(text_of(client.chat().json)) == RECEIPT


def test_a_tool_is_called_before_the_output_tool(start: Start) -> None:
    client = start(tools=[ToolCall(name="weather", arguments={"city": "Oslo"}), ToolCall(name="unknown")])
    tools = [{"type": "function", "function": WEATHER}, {"type": "function", "function": FINAL}]
    body = chat_body(schema=None, tools=tools, tool_choice="required")
    first = client.request("POST", "/v1/chat/completions", body).json["choices"][0]
    assert first["finish_reason"] == "tool_calls"
    called = first["message"]["tool_calls"][0]
    assert called["function"] == {"name": "weather", "arguments": '{"city": "Oslo"}'}
    body["messages"] += [first["message"], {"role": "tool", "tool_call_id": called["id"], "content": "rain"}]
    second = client.request("POST", "/v1/chat/completions", body).json["choices"][0]["message"]["tool_calls"][0]
    assert second["function"]["name"] == "final_result"
    validate(json.loads(second["function"]["arguments"]), SCHEMA)


def test_tools_in_responses(start: Start) -> None:
    client = start(tools=[ToolCall.from_json("weather")])
    body = responses_body(schema=None, tools=[{"type": "function", **WEATHER}, {"type": "function", **FINAL}])
    first = client.request("POST", "/v1/responses", body).json["output"][0]
    assert (first["type"], first["name"], list(json.loads(first["arguments"]))) == (
        "function_call",
        "weather",
        ["city"],
    )
    body["input"] += [first, {"type": "function_call_output", "call_id": first["call_id"], "output": "rain"}]
    assert client.request("POST", "/v1/responses", body).json["output"][0]["name"] == "final_result"


@pytest.mark.parametrize(
    ("choice", "tool"),
    [
        ("auto", "final_result"),
        ({"type": "function", "function": {"name": "weather"}}, "weather"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}}, "final_result"),
    ],
)
def test_which_tool_is_the_output(choice: Any, tool: str) -> None:
    tools = [{"type": "function", "function": WEATHER}, {"type": "function", "function": FINAL}]
    request = read_request(json.dumps(chat_body(tools=tools, tool_choice=choice)).encode(), "chat")
    assert (request.output, request.schema_name) == ("tool", tool)


def test_a_lone_tool_is_the_output_only_when_it_must_be_called() -> None:
    tools = [{"type": "function", "function": WEATHER}]
    for choice, output in (("required", "tool"), ("auto", "text")):
        body = chat_body(schema=None, tools=tools, tool_choice=choice)
        assert read_request(json.dumps(body).encode(), "chat").output == output


def test_streaming_chat(start: Start) -> None:
    client = start(answers={SHA: RECEIPT})
    answer = client.chat(stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *chunks, usage, done = answer.events
    assert done == "[DONE]"
    assert json.loads("".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)) == RECEIPT
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert usage["usage"]["prompt_tokens"] == client.provider.meter.totals().input_tokens
    assert "usage" not in client.chat(stream=True).events[-2]


def test_streaming_responses(start: Start) -> None:
    client = start(answers={SHA: RECEIPT})
    events = client.responses(stream=True).events
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert json.loads("".join(deltas)) == RECEIPT
    last = events[-1]
    assert last["type"] == "response.completed"
    assert last["response"]["usage"]["output_tokens"] == client.provider.meter.totals().output_tokens


def test_streaming_tool_calls(start: Start) -> None:
    client = start(answers={SHA: RECEIPT})
    chat = client.chat(schema=None, stream=True, tools=[{"type": "function", "function": FINAL}]).events
    pieces = [call for chunk in chat[:-1] for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert json.loads("".join(piece["function"]["arguments"] for piece in pieces)) == RECEIPT
    events = client.responses(schema=None, stream=True, tools=[{"type": "function", **FINAL}]).events
    done = next(event for event in events if event["type"] == "response.function_call_arguments.done")
    assert json.loads(done["arguments"]) == RECEIPT


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": data_url(PDF)}},
        {"type": "input_image", "image_url": data_url(PDF)},
        {"type": "input_file", "file_data": data_url(PDF).split(",")[1]},
        {"type": "input_audio", "input_audio": {"data": data_url(PDF).split(",")[1], "format": "wav"}},
    ],
    ids=lambda part: str(part["type"]),
)
def test_files_are_found_wherever_they_stand(part: dict[str, Any]) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": [part]}]}
    assert read_request(json.dumps(body).encode(), "chat").hashes == (SHA,)
    assert read_request(json.dumps(body).replace("/", "\\/").encode(), "chat").hashes == (SHA,)


def test_prose_about_data_urls_and_addresses_are_text() -> None:
    prose = "Write ;base64, before it: ;base64,äh"
    parts = [{"type": "text", "text": prose}, {"type": "image_url", "image_url": {"url": "https://example.com/a"}}]
    body = {"model": "m", "messages": [{"role": "user", "content": parts}]}
    request = read_request(json.dumps(body, ensure_ascii=False).encode(), "chat")
    assert request.files == ()
    assert request.text == f"{prose}\nhttps://example.com/a"
    assert lift(b"no end ;base64,abc") == (b"no end ;base64,abc", [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"model": "m"}',
        b'{"messages": "hi"}',
        b'{"model": "m", "messages": [{"tool_calls": 3}]}',
    ],
)
def test_bad_requests(start: Start, body: bytes) -> None:
    client = start()
    connection = client.connect()
    connection.request("POST", "/v1/chat/completions", body)
    assert connection.getresponse().status == 400
    connection.close()
    assert [call.outcome for call in client.provider.meter.calls] == ["400"]


def test_other_paths(start: Start) -> None:
    client = start()
    assert "gpt-5.5" in [model["id"] for model in client.request("GET", "/v1/models").json["data"]]
    assert client.request("GET", "/v1/files").status == 404
    wrong = client.request("GET", "/v1/responses")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")


def test_one_connection_serves_many_requests_even_pipelined(start: Start) -> None:
    client = start()
    connection = client.connect()
    for _ in range(3):
        connection.request("GET", "/v1/models")
        assert connection.getresponse().read()
    assert connection.sock is not None
    connection.sock.sendall(b"GET /v1/models HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\nconnection: close\r\n\r\n")
    received = b""
    while piece := connection.sock.recv(65536):
        received += piece
    assert received.index(b"200 OK") < received.index(b"404 Not Found")
    connection.close()


def test_garbage_and_expect_continue(start: Start) -> None:
    client = start()
    connection = client.connect()
    connection.connect()
    connection.sock.sendall(b"what is this\r\n\r\n")
    assert connection.sock.recv(100).startswith(b"HTTP/1.1 400")
    connection.close()
    connection = client.connect()
    connection.connect()
    connection.sock.sendall(b"POST /_limits HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    assert connection.sock.recv(100).startswith(b"HTTP/1.1 100 Continue")
    connection.sock.sendall(b"{}")
    assert connection.sock.recv(100).startswith(b"HTTP/1.1 200 OK")
    connection.close()


async def test_inside_an_async_test_and_its_addresses() -> None:
    with SimulatedProvider() as provider:
        assert Client(provider).chat().status == 200
        assert provider.environment == {"OPENAI_BASE_URL": provider.base_url, "OPENAI_API_KEY": "simulated"}
        assert provider.base_url == f"http://127.0.0.1:{provider.port}/v1"
    assert provider.meter.totals().billed_calls == 1
