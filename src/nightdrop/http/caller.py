"""Who asks: by a token, or without tokens somebody on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Header
from starlette.requests import Request

from nightdrop import clock
from nightdrop.errors import HostRefused, NotAuthenticated, ScopeMissing, TooManyRequests
from nightdrop.http.address import is_loopback
from nightdrop.http.scopes import scope_of
from nightdrop.limits.bucket import Bucket
from nightdrop.records.request import Once
from nightdrop.records.token import Token
from nightdrop.store import Database
from nightdrop.store.tokens import list_tokens, match_token

_FRESH_SECONDS = 1.0  # how long a revoked token may still be let in


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """name: as the audit has it. token: None without tokens."""

    name: str
    token: Token | None = None


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Made by the client for one submission: sent again under the same key it is handed in once.",
    ),
]


def once_of(request: Request, key: str | None) -> Once | None:
    """The key with whose it is: two callers may use the same."""
    if key is None:
        return None
    caller: Caller = request.state.caller
    return Once(caller="" if caller.token is None else caller.token.id, key=key)


class Gate:
    """Finds out who asks, and whether they may. is_open: everybody may do everything."""

    def __init__(self, db: Database, *, is_open: bool) -> None:
        self._db = db
        self._is_open = is_open
        self._tokens: Sequence[Token] = ()
        self._read_at: float | None = None
        self._buckets: dict[str, Bucket] = {}

    async def admit(self, request: Request) -> Caller:
        """Who asks. Raises NotAuthenticated, ScopeMissing, TooManyRequests, HostRefused."""
        if self._is_open:
            _check_origin(request)
            return Caller(name="anybody")
        known = await self._known()
        if not known:
            check_local(request)
            return Caller(name="this machine")
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        token = match_token(known, text.strip()) if kind.lower() == "bearer" else None
        if token is None:
            raise NotAuthenticated("send a token: `Authorization: Bearer ...`; `nightdrop tokens create` makes one")
        self._count(token)
        needed = scope_of(request.method, request.url.path)
        if not token.allows(needed):
            raise ScopeMissing(f"token {token.name} has the scopes {', '.join(token.scopes)}; this needs {needed}")
        return Caller(name=token.name, token=token)

    async def _known(self) -> Sequence[Token]:
        now = clock.monotonic()
        if self._read_at is None or now - self._read_at > _FRESH_SECONDS:
            self._tokens = await asyncio.to_thread(self._read)
            self._read_at = now
        return self._tokens

    def _read(self) -> Sequence[Token]:
        with self._db.read() as connection:
            return list_tokens(connection)

    def _count(self, token: Token) -> None:
        now = clock.monotonic()
        bucket = self._buckets.setdefault(token.id, Bucket(token.requests_per_minute, now, fixed=False))
        seconds = bucket.wait(1, now)
        if seconds > 0:
            said = f"token {token.name} may make {token.requests_per_minute} requests a minute"
            raise TooManyRequests(said, retry_after=seconds)
        bucket.take(1, now)


def check_local(request: Request) -> None:
    """Let only this machine in, under a name of this machine: a page of another site, or a name that a stranger made
    point here, is refused. Raises HostRefused."""
    if request.client is not None and not is_loopback(request.client.host):
        raise HostRefused("without tokens only this machine is answered: `nightdrop tokens create` makes one")
    host = request.headers.get("host", "")
    if not is_loopback(_name(f"//{host}")):
        raise HostRefused(f"Host: {host[:200]} is no name of this machine; use localhost")
    _check_origin(request)


def _check_origin(request: Request) -> None:
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise HostRefused(f"Origin: {origin[:200]} is another site")


def _name(place: str) -> str | None:
    try:
        return urlsplit(place).hostname
    except ValueError:
        return None
