"""What is known about one extracted value: where it stands on the page and how sure the reader is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldResult:
    """One field of a result, keyed in `run.fields` by its dotted path such as `lines.0.amount`.

    value: the JSON form of the value (money as text), None when it was not found.
    confidence: 0 to 1, None when nothing is known about it.
    page: 1-based. bbox: (left, top, right, bottom) in PDF points, origin at the page's top left corner.
    evidence: the text as it stands in the document, or the path of the XML element it was read from.
    """

    value: Any
    confidence: float | None = None
    page: int | None = None
    bbox: tuple[float, float, float, float] | None = None
    evidence: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The plain form that is stored and answered."""
        return {
            "value": self.value,
            "confidence": self.confidence,
            "page": self.page,
            "bbox": None if self.bbox is None else list(self.bbox),
            "evidence": self.evidence,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FieldResult:
        """The record back from `to_json`."""
        box = data.get("bbox")
        return cls(
            value=data.get("value"),
            confidence=data.get("confidence"),
            page=data.get("page"),
            bbox=None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            evidence=data.get("evidence"),
        )
