"""The door: who comes in, and an audit row for every change, before any route sees the request."""

from __future__ import annotations

import logging
from functools import partial

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nightdrop.errors import NightdropError, StorageFailed, UsageError
from nightdrop.http.caller import Caller, Gate
from nightdrop.http.problems import problem
from nightdrop.http.scopes import LOOKING
from nightdrop.http.service import Service
from nightdrop.portal import portal
from nightdrop.store.audit import close_audit, open_audit

log = logging.getLogger("nightdrop.http")

_OPEN = frozenset({"/health/live", "/health/ready"})
"""What anybody may ask: nothing of the documents is in it."""


class Access:
    """ASGI middleware: refuses what must not come in, and keeps the audit."""

    def __init__(self, app: ASGIApp, service: Service, gate: Gate) -> None:
        self._app = app
        self._service = service
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            _check_text(request)
            if request.url.path in _OPEN:
                await self._app(scope, receive, send)
                return
            caller = await self._gate.admit(request)
            scope.setdefault("state", {})["caller"] = caller
            row_id = None if request.method in LOOKING else await self._opened(request, caller)
        except NightdropError as error:
            await problem(error)(scope, receive, send)
            return
        await self._app(scope, receive, send if row_id is None else self._closing(row_id, send))

    async def _opened(self, request: Request, caller: Caller) -> str:
        """The audit row: what cannot be written down is not done. Raises StorageFailed."""
        write = partial(
            open_audit,
            actor=caller.name,
            method=request.method,
            path=request.url.path,
            token_id=None if caller.token is None else caller.token.id,
            address=None if request.client is None else request.client.host,
        )
        engine = await self._service.engine()
        return await portal().bridge(engine.desk.write(write))

    def _closing(self, row_id: str, send: Send) -> Send:
        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                place = Headers(raw=message.get("headers", [])).get("location")
                write = partial(close_audit, row_id=row_id, status=message["status"], place=place)
                engine = await self._service.engine()
                try:
                    await portal().bridge(engine.desk.write(write))
                except StorageFailed as error:
                    log.error("the audit row %s stays open: %s", row_id, error)
            await send(message)

        return send_and_note


def _check_text(request: Request) -> None:
    if "\0" in request.url.path or b"%00" in request.scope.get("query_string", b""):
        raise UsageError("text must not hold NUL characters")
