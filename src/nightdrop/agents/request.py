"""One attempt's input to a model, and its valid answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nightdrop.records.check import Check
from nightdrop.records.field import FieldResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document as a model gets it: its type and name, and how to read its bytes, which nobody holds meanwhile."""

    sha256: str
    size: int
    read: Callable[[], Awaitable[bytes]]
    mime_type: str
    filename: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRequest:
    """One attempt's input. on_text: hears of the answer's text as it comes, for a streamed run."""

    message: str
    documents: Sequence[Attachment]
    on_text: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A valid answer: content as JSON data, what is known about each field, and what the validators said.

    is_judged: the validators have been asked. candidates: path to other values that may be meant; looked for only when
    a person may be asked.
    """

    content: Any
    fields: dict[str, FieldResult] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    is_judged: bool = False
    candidates: Mapping[str, Sequence[FieldResult]] = field(default_factory=dict)
