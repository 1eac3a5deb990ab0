"""A small HTTP/1.1 server that can misbehave on purpose: reset a connection, never answer, let bytes trickle.

llhttp (by httptools) parses; one task per request answers. A client that goes away does not cancel its task: a real
provider keeps computing, and bills.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from nightdrop.testing.extra import missing_extra

try:
    import httptools
except ModuleNotFoundError as error:  # pragma: no cover - the extra is installed where tests run
    raise missing_extra(error) from error

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST


@dataclass(slots=True)
class HttpRequest:
    """A request as it came; header names are in lower case."""

    method: str = ""
    target: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, the last one of a name."""
        return dict(parse_qsl(urlsplit(self.target).query))


class Reply:
    """How a handler answers one request."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def gone(self) -> bool:
        """True when nobody is there to read the answer."""
        return self._connection.closed.is_set() or self._connection.transport.is_closing()

    async def wait_gone(self) -> None:
        """Wait until the client closes the connection."""
        await self._connection.closed.wait()

    def json(self, status: int, data: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer at once."""
        content = json.dumps(data).encode()
        self.write(head(status, {"content-type": "application/json", **(headers or {})}, len(content)) + content)

    def write(self, data: bytes) -> None:
        """Send raw bytes, unless the client is gone."""
        if not self.gone:
            self._connection.transport.write(data)

    def close(self) -> None:
        """Close the connection after what was written."""
        self._connection.transport.close()

    def reset(self) -> None:
        """Break the connection off with a TCP reset."""
        sock = self._connection.transport.get_extra_info("socket")
        if sock is not None and not self.gone:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._connection.transport.abort()


Handler: TypeAlias = Callable[[HttpRequest, Reply], Awaitable[None]]


def head(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    """Status line and headers; length None announces chunks."""
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    named = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {_PHRASES.get(status, 'Overloaded')}\r\n{named}{size}\r\n\r\n".encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked answer; empty data ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Connection(asyncio.Protocol):
    """One client connection: parses requests and lets the handler answer them one after the other."""

    transport: asyncio.Transport

    def __init__(self, server: HttpServer) -> None:
        self.closed = asyncio.Event()
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._request = HttpRequest()
        self._body: list[bytes] = []
        self._waiting: deque[tuple[HttpRequest, bool]] = deque()
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self.closed.set()
        self._waiting.clear()
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.transport.write(head(400, {"connection": "close"}, 0))
            self.transport.close()

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._request = HttpRequest()
        self._body = []

    def on_url(self, url: bytes) -> None:
        """Called by the parser, with a part of the target."""
        self._request.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._request.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._request.method = self._parser.get_method().decode("latin-1")
        if self._request.headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Called by the parser, with a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self._waiting.append((self._request, self._parser.should_keep_alive()))
        if not self._busy:
            self._busy = True
            self._server.start(self._answer())

    async def _answer(self) -> None:
        try:
            while self._waiting:
                request, keep_alive = self._waiting.popleft()
                reply = Reply(self)
                await self._server.handle(request, reply)
                if not keep_alive:
                    reply.close()
        finally:
            self._busy = False


class HttpServer:
    """Listens on a port of 127.0.0.1 and gives each request to `handle`."""

    def __init__(self, handle: Handler) -> None:
        self.handle = handle
        self.connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def listen(self, port: int) -> int:
        """Begin to listen; returns the port (another one than 0 when 0 was asked)."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Connection(self), "127.0.0.1", port, backlog=2048)
        return int(self._listener.sockets[0].getsockname()[1])

    def start(self, work: Any) -> None:
        """Run a coroutine as a task that `close` will cancel."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop listening, drop every connection and cancel what is running."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self.connections):
            connection.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listener is not None:
            await self._listener.wait_closed()
