"""Who may come in: without tokens only this machine, under a name of this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from nightdrop.errors import HostRefused, NightdropError, UsageError
from nightdrop.http.address import is_loopback
from nightdrop.http.problems import problem

_OPEN = ("/health/live",)
"""What anybody may ask: nothing of the database is in it."""


class Access:
    """ASGI middleware: refuses what must not come in, before any route sees it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            _check_text(request)
            if request.url.path not in _OPEN:
                check_local(request)
        except NightdropError as error:
            await problem(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def check_local(request: Request) -> None:
    """Let only this machine in, under a name of this machine: a page of another site, or a name that a stranger made
    point here, is refused. Raises HostRefused."""
    if request.client is not None and not is_loopback(request.client.host):
        raise HostRefused("without tokens only this machine is answered: `nightdrop tokens create` makes one")
    host = request.headers.get("host", "")
    if not is_loopback(_name(f"//{host}")):
        raise HostRefused(f"Host: {host[:200]} is no name of this machine; use localhost")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise HostRefused(f"Origin: {origin[:200]} is another site")


def _name(place: str) -> str | None:
    try:
        return urlsplit(place).hostname
    except ValueError:
        return None


def _check_text(request: Request) -> None:
    if "\0" in request.url.path or b"%00" in request.scope.get("query_string", b""):
        raise UsageError("text must not hold NUL characters")
