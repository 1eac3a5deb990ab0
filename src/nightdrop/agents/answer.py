"""Asking an agent's model about documents: the one place where an answer is made and validated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nightdrop.agents.spec import AgentSpec
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import UsageError
from nightdrop.records.field import FieldResult

_LOCAL_READER = "nightdrop.reading.task:read_document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document as a model gets it: its bytes, type and name."""

    content: bytes
    mime_type: str
    filename: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRequest:
    """One attempt's input."""

    message: str
    documents: Sequence[Attachment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A valid answer: content as JSON data, and what is known about each field."""

    content: Any
    fields: dict[str, FieldResult] = field(default_factory=dict)


async def answer(spec: AgentSpec, request: AnswerRequest, reader: ReaderPool) -> Answer:
    """The model's valid answer. Raises InputError for a document it cannot use, AnswerInvalid for a bad answer."""
    if len(request.documents) != 1:
        raise UsageError(f'model="local" reads one document per run, got {len(request.documents)}')
    document = request.documents[0]
    found = await reader.call(
        _LOCAL_READER,
        document.content,
        {"mime_type": document.mime_type, "filename": document.filename, "schema": spec.schema.json_schema},
    )
    fields = {path: FieldResult.from_json(data) for path, data in found["fields"].items()}
    return Answer(content=spec.schema.validate(found["content"]), fields=fields)
