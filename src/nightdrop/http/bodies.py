"""How large a request may be: counted as it comes in, whatever it says of itself."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nightdrop.errors import RequestTooLarge
from nightdrop.http.problems import problem
from nightdrop.settings import load_settings

REQUEST_FILES = 4
"""The largest request with files is this many times the largest file."""

_PLAIN_BYTES = 1024 * 1024  # of a request without files
_WITH_FILES = re.compile(r"/(agents|workflows)/[^/]+/runs|/batches/[^/]+/documents")


class Bodies:
    """ASGI middleware: a body that is too large is a problem, before or while it comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = _most(scope["path"])
        said = Headers(scope=scope).get("content-length", "")
        too_large = f"the request has more than {most:,} bytes"
        if said.isdecimal() and int(said) > most:
            await problem(RequestTooLarge(too_large))(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > most:
                raise HTTPException(413, too_large)
            return message

        await self._app(scope, counted, send)


def _most(path: str) -> int:
    return REQUEST_FILES * load_settings().max_file_bytes if _WITH_FILES.fullmatch(path) else _PLAIN_BYTES
