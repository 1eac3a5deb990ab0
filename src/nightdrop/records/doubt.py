"""A doubt: one value that a person should look at, before it is a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nightdrop.records.field import FieldResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One value to be looked at, as its review will show it. path "": the answer as a whole."""

    path: str
    reasons: tuple[str, ...]
    value: Any
    risk: float
    schema: dict[str, Any]
    found: FieldResult | None = None
    candidates: Sequence[FieldResult] = ()
