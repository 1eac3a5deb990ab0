"""What the tests of the simulated provider share: a plain HTTP client and a clock that stands still."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from nightdrop.testing import SimulatedProvider, Timing

PDF = b"%PDF-1.7 a small document\n%%EOF"
SCHEMA = {
    "type": "object",
    "title": "Receipt",
    "properties": {"shop": {"type": "string"}, "total": {"type": "number"}},
    "required": ["shop", "total"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Answer:
    """Status, headers (lower case) and bytes of an HTTP answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def events(self) -> list[Any]:
        """The data of each server-sent event; `[DONE]` stays text."""
        lines = [line[6:] for line in self.content.decode().splitlines() if line.startswith("data: ")]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]


class Client:
    """Plain HTTP on loopback."""

    def __init__(self, provider: SimulatedProvider) -> None:
        self.provider = provider

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        connection = self.connect()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers or {})
            found = connection.getresponse()
            return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", urlsplit(self.provider.url).port or 0, timeout=30)

    def chat(self, *, file: bytes | None = PDF, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        return self.request("POST", "/v1/chat/completions", chat_body(file=file, **more), headers)

    def responses(self, *, file: bytes | None = PDF, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        return self.request("POST", "/v1/responses", responses_body(file=file, **more), headers)


def data_url(content: bytes) -> str:
    return "data:application/pdf;base64," + base64.b64encode(content).decode()


def chat_body(*, file: bytes | None = PDF, text: str = "Extract.", schema: Any = SCHEMA, **more: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}]
    if file is not None:
        parts.append({"type": "file", "file": {"filename": "a.pdf", "file_data": data_url(file)}})
    body: dict[str, Any] = {"model": "gpt-5.5", "messages": [{"role": "user", "content": parts}]}
    if schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "Receipt", "schema": schema}}
    return body | more


def responses_body(
    *, file: bytes | None = PDF, text: str = "Extract.", schema: Any = SCHEMA, **more: Any
) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "input_text", "text": text}]
    if file is not None:
        parts.append({"type": "input_file", "filename": "a.pdf", "file_data": data_url(file)})
    body: dict[str, Any] = {"model": "gpt-5.5", "input": [{"role": "user", "content": parts}]}
    if schema is not None:
        body["text"] = {"format": {"type": "json_schema", "name": "Receipt", "schema": schema}}
    return body | more


class ManualTime:
    """A clock that stands still until `advance`; sleepers wake when their time has come. Works across threads."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._changed = threading.Condition()
        self._sleepers: list[tuple[float, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.timing = Timing(monotonic=lambda: self._now, now_ms=lambda: int(self._now * 1000), sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        with self._changed:
            self._sleepers.append((self._now + seconds, loop, woken))
            self._changed.notify_all()
        await woken

    def advance(self, seconds: float) -> None:
        with self._changed:
            self._now += seconds
            due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._now + 1e-9]
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in due]
        for _, loop, woken in due:
            loop.call_soon_threadsafe(_wake, woken)

    def wait_for_sleepers(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._sleepers) >= count, timeout=30)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


Start = Callable[..., Client]
