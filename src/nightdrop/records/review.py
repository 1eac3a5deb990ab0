"""A review: one value that a person is asked about, with all that a screen needs, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from nightdrop.clock import iso
from nightdrop.records.field import FieldResult


class ReviewKind(StrEnum):
    """doubt: its run is PAUSED until it is decided. sample: its run is COMPLETED; only accuracy is measured."""

    DOUBT = "doubt"
    SAMPLE = "sample"


class ReviewState(StrEnum):
    """open: waits for a person. withdrawn: the run was rejected for another field. The others were decided."""

    OPEN = "open"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One field of one run that a person is asked about.

    field: its dotted path, "" for the answer as a whole. reasons: why it is asked. value: as read. found: confidence
    and place, None for what was not searched. candidates: other values that may be meant, the likeliest first.
    schema: what a correction must fit. risk: expected cost of an error. sha256, file: the document it is about.
    """

    id: str
    run_id: str
    attempt: int
    agent_id: str | None
    batch_id: str | None
    kind: ReviewKind
    field: str
    reasons: tuple[str, ...]
    value: Any
    found: FieldResult | None
    candidates: tuple[FieldResult, ...]
    schema: dict[str, Any]
    risk: float
    state: ReviewState
    created_at: datetime
    sha256: str | None = None
    file: str | None = None
    correction: Any = None
    reviewer: str | None = None
    note: str | None = None
    decided_at: datetime | None = None

    @property
    def page_image(self) -> str | None:
        """Path of the page's picture at the HTTP service; None where there is no page to show."""
        if self.sha256 is None or self.found is None or self.found.bbox is None:
            return None
        return f"/documents/{self.sha256}/pages/{self.found.page}.png"

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json` and HTTP."""
        return {
            "id": self.id,
            "run_id": self.run_id,
            "attempt": self.attempt,
            "agent_id": self.agent_id,
            "batch_id": self.batch_id,
            "kind": self.kind.value,
            "field": self.field,
            "reasons": list(self.reasons),
            "value": self.value,
            "found": None if self.found is None else self.found.to_json(),
            "candidates": [candidate.to_json() for candidate in self.candidates],
            "schema": self.schema,
            "risk": self.risk,
            "state": self.state.value,
            "sha256": self.sha256,
            "file": self.file,
            "page_image": self.page_image,
            "correction": self.correction,
            "reviewer": self.reviewer,
            "note": self.note,
            "created_at": iso(self.created_at),
            "decided_at": iso(self.decided_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How often a field was right, of those that people have decided. field: with `*` for every index."""

    agent_id: str | None
    kind: ReviewKind
    field: str
    right: int
    wrong: int

    @property
    def share(self) -> float:
        """Right ones among all, 0 to 1."""
        return self.right / (self.right + self.wrong)

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json`."""
        return {
            "agent_id": self.agent_id,
            "kind": self.kind.value,
            "field": self.field,
            "right": self.right,
            "wrong": self.wrong,
            "share": round(self.share, 4),
        }
