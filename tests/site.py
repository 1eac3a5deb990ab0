"""Web servers on addresses of the loopback network, which note what they were asked."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Site:
    """A server: what it answers by path, and (method, path, headers, body) of what it was asked.

    decide: what it answers to a body, None for what `pages` says.
    """

    url: str
    port: int
    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    decide: Callable[[bytes], tuple[int, dict[str, str], bytes] | None] = lambda _body: None


@contextmanager
def site(address: str = "127.0.0.1", port: int = 0, *, tls: Path | None = None) -> Iterator[Site]:
    """A server of this test's own. tls: the file of its certificate and key."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.asked.append((self.command, self.path, dict(self.headers.items()), body))
            code, headers, content = made.decide(body) or made.pages.get(self.path, (200, {}, b"here"))
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer((address, port), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    made = Site(url=f"http://{address}:{server.server_port}", port=server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path, name: str) -> Path:
    """A file with a self-signed certificate for a host name, and its key."""
    made = folder / "certificate.pem"
    what = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(made), "-out", "-"]
    shown = subprocess.run([*command, *what], check=True, capture_output=True)
    made.write_bytes(made.read_bytes() + shown.stdout)
    return made
