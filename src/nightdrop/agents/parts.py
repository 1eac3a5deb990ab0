"""A document too long for one call: cut by pages, each part asked for what stands in it, the answers merged."""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from nightdrop.agents.fit import Fit
from nightdrop.agents.output_schema import OutputSchema
from nightdrop.agents.request import AnswerRequest, Attachment
from nightdrop.documents.opened import Opened, remember
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import DocumentTooLong

_SPLIT = "nightdrop.documents.split:split_pages"


async def cut(request: AnswerRequest, document: Attachment, fit: Fit, reader: ReaderPool) -> list[AnswerRequest]:
    """One request for each part of `document`; other documents go along with the first part."""
    found = await reader.call(_SPLIT, await document.read(), {"pages_per_part": fit.pages_per_part})
    others = [d for d in request.documents if d is not document]
    parts = []
    for number, part in enumerate(found["parts"]):
        note = f"This is pages {part['first']} to {part['last']} of {fit.pages}. Answer only from these pages."
        content = base64.b64decode(part["base64"])
        attachment = replace(
            document, size=len(content), read=_given(content), sha256=hashlib.sha256(content).hexdigest()
        )
        remember(attachment.sha256, Opened(pages=part["last"] - part["first"] + 1))
        parts.append(
            replace(
                request,
                message=f"{request.message}\n\n{note}".strip(),
                documents=[attachment, *(others if number == 0 else [])],
            )
        )
    return parts


def _given(content: bytes) -> Callable[[], Awaitable[bytes]]:
    async def read() -> bytes:
        return content

    return read


def part_schema(schema: OutputSchema) -> OutputSchema:
    """The schema for one part: every field may be missing, since it may stand on other pages.

    Raises DocumentTooLong for an agent without an object schema: plain text cannot be merged.
    """
    given = schema.json_schema
    if given is None or given.get("type") != "object":
        raise DocumentTooLong("answers about parts can be merged only with an object as output_schema")
    relaxed = copy.deepcopy(given)
    relaxed.pop("required", None)
    relaxed["properties"] = {name: _nullable(field) for name, field in relaxed.get("properties", {}).items()}
    return OutputSchema(relaxed)


def merge(answers: Sequence[Any]) -> Any:
    """Lists are joined in the order of the pages, objects merged field by field; of two values the first stands."""
    present = [a for a in answers if a is not None]
    if not present:
        return None
    if all(isinstance(a, dict) for a in present):
        names = dict.fromkeys(name for a in present for name in a)
        return {name: merge([a.get(name) for a in present]) for name in names}
    if all(isinstance(a, list) for a in present):
        return [item for a in present for item in a]
    return present[0]


def _nullable(field: dict[str, Any]) -> dict[str, Any]:
    options = field.get("anyOf")
    if field.get("type") == "null" or (options and any(o.get("type") == "null" for o in options)):
        return field
    if field.get("type") == "array":
        return field
    kept = {k: v for k, v in field.items() if k in ("title", "description")}
    return {"anyOf": [{k: v for k, v in field.items() if k not in kept}, {"type": "null"}], **kept}
