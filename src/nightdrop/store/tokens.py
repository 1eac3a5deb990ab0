"""Tokens in the rows: made, found by their text, revoked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import TokenNotFound, UsageError
from nightdrop.ids import new_id
from nightdrop.records.request import require_text
from nightdrop.records.token import Scope, Token
from nightdrop.store.audit import open_audit
from nightdrop.store.database import Database
from nightdrop.store.tables import tokens

REQUESTS_PER_MINUTE = 600
_PREFIX = "nightdrop_"
_SECRET_BYTES = 32
_COMMAND_LINE = "command line"


def create_token(
    db: Database, scopes: Sequence[Scope], *, name: str = "", requests_per_minute: int = REQUESTS_PER_MINUTE
) -> tuple[Token, str]:
    """Make a token; returns it with its text, which nobody can read again. Raises UsageError."""
    require_text(name=name)
    if not scopes:
        raise UsageError(f"a token needs a scope: {', '.join(Scope)}")
    if requests_per_minute < 1:
        raise UsageError(f"requests_per_minute={requests_per_minute}: give 1 or more")
    text = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    token_id, now_ms = new_id(), clock.now_ms()
    row = {
        "id": token_id,
        "name": name or token_id,
        "sha256": _hash(text),
        "scopes": " ".join(sorted({scope.value for scope in scopes})),
        "requests_per_minute": requests_per_minute,
        "created_at": now_ms,
    }

    def commit(connection: sa.Connection) -> None:
        connection.execute(sa.insert(tokens).values(**row))
        open_audit(connection, actor=_COMMAND_LINE, method="CREATE", path=f"/tokens/{token_id}")

    db.transact(commit)
    with db.read() as connection:
        return next(token for token in list_tokens(connection) if token.id == token_id), text


def list_tokens(connection: sa.Connection, *, revoked: bool = False) -> list[Token]:
    """Tokens, newest first; with revoked, those too that were."""
    query = sa.select(tokens).order_by(tokens.c.id.desc())
    if not revoked:
        query = query.where(tokens.c.revoked_at.is_(None))
    return [_token(row) for row in connection.execute(query).mappings()]


def revoke_token(db: Database, token_id: str) -> None:
    """Let a token in no more. Raises TokenNotFound, also for one that was revoked."""
    c = tokens.c

    def commit(connection: sa.Connection) -> None:
        query = sa.update(tokens).where(c.id == token_id, c.revoked_at.is_(None)).values(revoked_at=clock.now_ms())
        if connection.execute(query).rowcount != 1:
            raise TokenNotFound(f"there is no token {token_id!r} in {db.label} that is not revoked")
        open_audit(connection, actor=_COMMAND_LINE, method="REVOKE", path=f"/tokens/{token_id}")

    db.transact(commit)


def match_token(known: Iterable[Token], text: str) -> Token | None:
    """The token with this text, None if it is none of these. Takes the same time whichever it is."""
    given, found = _hash(text), None
    for token in known:
        if hmac.compare_digest(token.sha256, given):
            found = token
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _token(row: sa.RowMapping) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        sha256=row["sha256"],
        scopes=tuple(Scope(name) for name in row["scopes"].split()),
        requests_per_minute=row["requests_per_minute"],
        created_at=clock.to_datetime(row["created_at"]),
        revoked_at=clock.to_datetime(row["revoked_at"]),
    )
