"""Reviews as JSON, and what is decided of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from nightdrop.http.shapes.run import FieldValue
from nightdrop.http.shapes.text import Moment, Name, Text
from nightdrop.records.review import ReviewKind, ReviewState
from nightdrop.records.run import RunStatus


class ReviewItem(BaseModel):
    """One value that a person is asked about, with all that a screen needs."""

    id: str
    run_id: str
    attempt: int
    agent_id: str | None
    batch_id: str | None
    kind: ReviewKind
    field: str = Field(description="The dotted path; empty for the answer as a whole.", examples=["lines.0.amount"])
    reasons: list[str] = Field(description="Why it is asked.")
    value: Any = Field(description="As read.")
    found: FieldValue | None = Field(description="Confidence and place of the value.")
    candidates: list[FieldValue] = Field(description="Other values that may be meant, the likeliest first.")
    field_schema: dict[str, Any] = Field(alias="schema", description="The JSON schema that a correction must fit.")
    risk: float = Field(description="Expected cost of an error.")
    state: ReviewState
    sha256: str | None
    file: str | None
    page_image: str | None = Field(description="Path of the page's picture here.")
    correction: Any
    reviewer: str | None
    note: str | None
    created_at: Moment | None
    decided_at: Moment | None


class ReviewPage(BaseModel):
    """Reviews, what an error would cost most first."""

    items: list[ReviewItem]
    next_cursor: str | None


class DecisionMade(ReviewItem):
    """The review as decided. run_status: what became of its run."""

    run_status: RunStatus | None


class ReviewDecision(BaseModel):
    """What a person decides. value: the right one, of a corrected review, as JSON data."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"decision": "correct", "value": "119.00", "reviewer": "ann"}]}
    )

    decision: Literal["accept", "correct", "reject"]
    value: Any = None
    reviewer: Name | None = Field(default=None, min_length=1, description="Who decides; default: the token's name.")
    note: Text | None = Field(default=None, max_length=10_000)


class AccuracyRow(BaseModel):
    """How often a field was right, of what people have decided."""

    agent_id: str | None
    kind: ReviewKind
    field: str
    right: int
    wrong: int
    share: float


class AccuracyPage(BaseModel):
    """Every field that people have decided about."""

    items: list[AccuracyRow]
    next_cursor: str | None
