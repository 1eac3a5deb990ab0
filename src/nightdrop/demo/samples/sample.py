"""One document of the demo and what reading it must give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file and its expected outcome: header values of `nightdrop.schemas.Invoice`, or the code of its refusal."""

    name: str
    content: bytes
    expected: Mapping[str, Any] | None
    """The header fields as JSON (money as text, None for what the document does not state); None when it is refused."""
    error: str | None
    """The expected error code, None when the document is read."""
    duplicate_of: str | None
    """The name of the sample with the same bytes, if this one is a copy."""
