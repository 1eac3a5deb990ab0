"""Grounding an answer: each of its values is searched in every document of the run, and the best place counts."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from nightdrop.agents.request import AnswerRequest
from nightdrop.agents.spec import AgentSpec
from nightdrop.documents import kinds
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import NightdropError
from nightdrop.reading.ground import ground, leaves_of
from nightdrop.records.field import FieldMatch, FieldResult

log = logging.getLogger("nightdrop.agents")

_GROUND = "nightdrop.reading.ground:ground_answer"
_BEST_FIRST = (FieldMatch.EXACT, FieldMatch.NEAR, FieldMatch.NO_TEXT, FieldMatch.ABSENT, FieldMatch.NOT_PRINTED)


async def grounded(spec: AgentSpec, request: AnswerRequest, content: Any, reader: ReaderPool) -> dict[str, FieldResult]:
    """Path to what is known about each value, none for an answer without a schema.

    Without documents the message is searched, unless tools may have told the model more than it.
    """
    schema = spec.schema.content_schema
    if schema is None:
        return {}
    asked = {"schema": schema, "content": content}
    if not request.documents:
        if spec.tools:
            return _unsearched(content, schema)
        return await _grounded_in(request.message.encode(), asked | {"mime_type": kinds.TEXT}, reader)
    best: dict[str, FieldResult] = {}
    for position, document in enumerate(request.documents):
        params = asked | {"mime_type": document.mime_type}
        for path, found in (await _grounded_in(await document.read(), params, reader)).items():
            found = found if found.page is None else replace(found, document=position)
            best[path] = min(best.get(path, found), found, key=_rank)
    return best


def _rank(found: FieldResult) -> int:
    return len(_BEST_FIRST) if found.match is None else _BEST_FIRST.index(found.match)


async def _grounded_in(content: bytes, params: dict[str, Any], reader: ReaderPool) -> dict[str, FieldResult]:
    """The answer is there and paid: a document that cannot be searched leaves it unknown, and nothing more."""
    try:
        answer = await reader.call(_GROUND, content, params)
    except NightdropError as error:
        log.warning("an answer could not be searched in its document: %s", error)
        return _unsearched(params["content"], params["schema"])
    return {path: FieldResult.from_json(data) for path, data in answer["fields"].items()}


def _unsearched(content: Any, schema: dict[str, Any]) -> dict[str, FieldResult]:
    return {leaf.path: ground(leaf, None) for leaf in leaves_of(content, schema)}
