"""What is known about one extracted value: where it stands on the page and how sure the reader is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FieldMatch(StrEnum):
    """How a value was found in the documents.

    exact: the same value stands there. near: the same but for case, accents, spaces or a line break. absent: it stands
    nowhere. no_text: there is no text to search, as in a scan. not_printed: true, false and prose do not stand on a
    page as they are.
    """

    EXACT = "exact"
    NEAR = "near"
    ABSENT = "absent"
    NO_TEXT = "no_text"
    NOT_PRINTED = "not_printed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldResult:
    """One field of a result, keyed in `run.fields` by its dotted path such as `lines.0.amount`.

    value: the JSON form of the value (money as text), None when it was not found.
    confidence: 0 to 1, None when nothing is known about it. match: None for what was not searched.
    document: position in `input.files`, from 0. page: 1-based.
    bbox: (left, top, right, bottom) in PDF points (of a picture: pixels), origin at the page's top left corner.
    page_size: width and height of that page in the same unit.
    span: (start, end) in the page's text, for documents without boxes.
    evidence: the text as it stands in the document, or the path of the XML element it was read from.
    said: the model's own confidence, 0 to 1, where the schema asks for it.
    reviewed: what a person decided of it, "accepted" or "corrected".
    """

    value: Any
    confidence: float | None = None
    match: FieldMatch | None = None
    document: int | None = None
    page: int | None = None
    bbox: tuple[float, float, float, float] | None = None
    page_size: tuple[float, float] | None = None
    span: tuple[int, int] | None = None
    evidence: str | None = None
    said: float | None = None
    reviewed: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The plain form that is stored and answered."""
        return {
            "value": self.value,
            "confidence": self.confidence,
            "match": None if self.match is None else self.match.value,
            "document": self.document,
            "page": self.page,
            "bbox": None if self.bbox is None else list(self.bbox),
            "page_size": None if self.page_size is None else list(self.page_size),
            "span": None if self.span is None else list(self.span),
            "evidence": self.evidence,
            "said": self.said,
            "reviewed": self.reviewed,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FieldResult:
        """The record back from `to_json`, also of an earlier version."""
        box, span, match, size = data.get("bbox"), data.get("span"), data.get("match"), data.get("page_size")
        return cls(
            value=data.get("value"),
            confidence=data.get("confidence"),
            match=None if match is None else FieldMatch(match),
            document=data.get("document"),
            page=data.get("page"),
            bbox=None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            page_size=None if size is None else (float(size[0]), float(size[1])),
            span=None if span is None else (int(span[0]), int(span[1])),
            evidence=data.get("evidence"),
            said=data.get("said"),
            reviewed=data.get("reviewed"),
        )
