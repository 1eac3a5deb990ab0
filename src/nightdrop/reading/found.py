"""A value found in a document, before it is given the type the schema wants."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from nightdrop.reading.shape import Field

Box = tuple[float, float, float, float]
Value = str | Decimal | datetime.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value with its confidence (0 to 1) and place: 1-based page, box in points, the text or XML path it is from."""

    value: Value
    confidence: float
    evidence: str
    page: int | None = None
    bbox: Box | None = None

    def sure(self, confidence: float) -> Found:
        """The same value with another confidence."""
        return replace(self, confidence=confidence)


class Source(Protocol):
    """Something that can be asked for a schema's fields: a structured invoice, a labelled form, one row of a table."""

    def value(self, field: Field, parent: str) -> Found | None:
        """The value of a plain field; parent: dotted keys of the objects it stands in."""

    def rows(self, field: Field) -> list[Source]:
        """One source per element of a list of objects."""
