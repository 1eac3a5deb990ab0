"""What the real Anthropic client sends over HTTP: a cache mark at the end of a long shared prefix, and only there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import BaseModel

from nightdrop import Agent, File
from nightdrop.store import Database

LONG = "Read every line with care. " * 800


class Paid(BaseModel):
    """An invoice."""

    total: str


def _answer(body: dict[str, Any], cached: int) -> list[dict[str, Any]]:
    """Anthropic's events of one answer; this client asks for a stream."""
    assert body["stream"]
    block: dict[str, Any] = {"type": "text", "text": ""}
    delta = {"type": "text_delta", "text": '{"total": "1"}'}
    if body.get("tools"):
        block = {"type": "tool_use", "id": "t", "name": body["tools"][0]["name"], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": '{"total": "1"}'}
    usage = {"input_tokens": 100, "output_tokens": 1, "cache_read_input_tokens": cached}
    usage["cache_creation_input_tokens"] = 0
    message = {"id": "m", "type": "message", "role": "assistant", "model": body["model"], "content": []}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": usage}
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 10},
        },
        {"type": "message_stop"},
    ]


def _event(data: dict[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The bodies of the requests that reach a loopback server speaking Anthropic's protocol."""
    seen: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            seen.append(body)
            data = b"".join(_event(event) for event in _answer(body, 5000 if len(seen) > 1 else 0))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"http://127.0.0.1:{server.server_port}")
    yield seen
    server.shutdown()
    thread.join()
    server.server_close()


def asked(db: Database, instructions: str | None, documents: int = 1) -> None:
    agent = Agent(id="a", model="anthropic:claude-sonnet-4-6", instructions=instructions, output_schema=Paid, db=db)
    for number in range(documents):
        files = [File(content=f"Invoice {number}".encode(), filename="a.txt")]
        agent.run("Read.", files=files).raise_for_status()


def test_a_long_prefix_is_marked_once_at_its_end(db: Database, bodies: list[dict[str, Any]]) -> None:
    asked(db, LONG)
    (body,) = bodies
    assert body["system"][-1]["cache_control"]["type"] == "ephemeral"
    assert "cache_control" not in json.dumps(body["messages"]), "the document is no part of what is shared"


def test_a_short_prefix_is_not_marked(db: Database, bodies: list[dict[str, Any]]) -> None:
    asked(db, "Read.")
    assert "cache_control" not in json.dumps(bodies)


def test_the_saving_of_a_cached_prefix_is_in_the_costs(db: Database, bodies: list[dict[str, Any]]) -> None:
    asked(db, LONG, documents=2)
    total = db.costs().total
    assert (len(bodies), total.cache_read_tokens) == (2, 5000)
    assert total.saved == Decimal(5000) * (Decimal(3) - Decimal("0.3")) / 1_000_000, "list price of Sonnet 4.6"
