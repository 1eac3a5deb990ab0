"""What an agent is asked about kinds of documents, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from nightdrop.steps.split import PageRange


class Labelled(BaseModel):
    """What one document is. confidence: 0 to 1, of who said it; None: it was not said."""

    label: str
    confidence: float | None = None


class LabelledPages(PageRange):
    """What some pages of a packet are. confidence: as in Labelled."""

    confidence: float | None = None


class Said(BaseModel):
    """What was said of one document. label: None: none of those there are."""

    label: str | None = None
    confidence: float | None = None
    first: int = 1
    last: int = 1

    def is_sure(self, sure: float) -> bool:
        """Whether it needs nobody else. Without a word on confidence it is."""
        return self.label is not None and (self.confidence is None or self.confidence >= sure)


def answer_schema(labels: Sequence[str], *, pages: bool) -> type[BaseModel]:
    """The schema of an agent's answer: a list in which no other label can stand. pages: each with its pages."""
    fields: dict[str, Any] = {
        "label": (Literal[tuple(labels)] | None, Field(description="null: none of these")),
        "confidence": (float, Field(ge=0, le=1, description="how sure you are, 0 to 1")),
    }
    if pages:
        fields |= {"first": (int, Field(ge=1)), "last": (int, Field(ge=1))}
    one = create_model("Document", **fields)
    found: type[BaseModel] = create_model("Documents", documents=(list[one], ...))  # type: ignore[valid-type]
    return found


def question(labels: Mapping[str, str], *, pages: bool) -> str:
    """What the agent is asked. labels: with what each means, which may be empty."""
    lines = [f"- {label}: {meaning}" if meaning else f"- {label}" for label, meaning in labels.items()]
    asked = (
        "This file holds several documents, one after the other. Name each of them, in order, with its first and its "
        "last page, counted from 1. Every page belongs to one document."
        if pages
        else "Say of each document, in the order in which they are given, what it is."
    )
    return "\n".join([f"{asked} The kinds are:", *lines])
