"""Tokens that let somebody use the HTTP service, and the audit of what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from nightdrop.clock import iso


class Scope(StrEnum):
    """What a token is for. read: look. run: hand in and steer runs, too. review: decide, too. admin: everything."""

    READ = "read"
    RUN = "run"
    REVIEW = "review"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is known after it was handed out. sha256: of its text, which is not kept."""

    id: str
    name: str
    sha256: str
    scopes: tuple[Scope, ...]
    requests_per_minute: int
    created_at: datetime | None
    revoked_at: datetime | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether it may do what needs this scope. Every token may look."""
        return Scope.ADMIN in self.scopes or scope in self.scopes or scope is Scope.READ

    def to_json(self) -> dict[str, Any]:
        """The plain form, without the hash."""
        return {
            "id": self.id,
            "name": self.name,
            "scopes": [scope.value for scope in self.scopes],
            "requests_per_minute": self.requests_per_minute,
            "created_at": iso(self.created_at),
            "revoked_at": iso(self.revoked_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One change that was asked for. status: the answer's, None when it was not answered. place: of what was made."""

    id: str
    at: datetime | None
    actor: str
    token_id: str | None
    address: str | None
    method: str
    path: str
    status: int | None
    place: str | None

    def to_json(self) -> dict[str, Any]:
        """The plain form."""
        return {name: getattr(self, name) for name in self.__slots__} | {"at": iso(self.at)}
