"""Whose limit it is: a provider, a model, and the account behind a key. The key itself is never kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitKey:
    """One limit. credential: a hash of key and address, the same in every process that has both."""

    provider: str
    model: str
    credential: str

    @property
    def name(self) -> str:
        """`openai:gpt-5.5@1f0c9a7d2b44`: what rows call it."""
        return f"{self.provider}:{self.model}@{self.credential}"

    @property
    def account(self) -> str:
        """`openai@1f0c9a7d2b44`: a wrong key or an empty account stops every model of it."""
        return f"{self.provider}@{self.credential}"


def credential(key: str, address: str) -> str:
    """Twelve characters that stand for a key at an address and from which neither can be found."""
    return hashlib.sha256(f"{address.rstrip('/')}\0{key}".encode()).hexdigest()[:12]
