"""Grounding an answer: each of its values is searched in every document of the run, and the best place counts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nightdrop.agents.request import AnswerRequest
from nightdrop.agents.spec import AgentSpec
from nightdrop.documents import kinds
from nightdrop.documents.ocr import READABLE, can_read_scans, ocr_pool
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import NightdropError
from nightdrop.reading.ground import ground
from nightdrop.reading.ground_leaf import leaves_of
from nightdrop.records.field import FieldMatch, FieldResult
from nightdrop.settings import load_settings

log = logging.getLogger("nightdrop.agents")

_GROUND = "nightdrop.reading.ground:ground_answer"
_GROUND_SCAN = "nightdrop.reading.ground_scan:ground_scan"
_BEST_FIRST = (FieldMatch.EXACT, FieldMatch.NEAR, FieldMatch.NO_TEXT, FieldMatch.ABSENT, FieldMatch.NOT_PRINTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about each value by its path, and other values that may be meant."""

    fields: dict[str, FieldResult] = field(default_factory=dict)
    candidates: dict[str, list[FieldResult]] = field(default_factory=dict)


async def grounded(spec: AgentSpec, request: AnswerRequest, content: Any, reader: ReaderPool) -> Evidence:
    """Evidence of each value, none for an answer without a schema; other values, too, if a person may be asked.

    Without documents the message is searched, unless tools may have told the model more than it.
    """
    schema = spec.schema.content_schema
    if schema is None:
        return Evidence()
    asked = {"schema": schema, "content": content, "candidates": spec.review is not None}
    if not request.documents:
        if spec.tools:
            return _unsearched(content, schema)
        return await _grounded_in(request.message.encode(), asked | {"mime_type": kinds.TEXT}, reader)
    best = Evidence()
    for position, document in enumerate(request.documents):
        params = asked | {"mime_type": document.mime_type}
        evidence = await _grounded_in(await document.read(), params, reader)
        for path, found in evidence.fields.items():
            here = _in_document(found, position)
            best.fields[path] = min(best.fields.get(path, here), here, key=_rank)
        for path, others in evidence.candidates.items():
            best.candidates.setdefault(path, []).extend(_in_document(other, position) for other in others)
    return best


def _in_document(found: FieldResult, position: int) -> FieldResult:
    return found if found.page is None else replace(found, document=position)


def _rank(found: FieldResult) -> int:
    return len(_BEST_FIRST) if found.match is None else _BEST_FIRST.index(found.match)


async def _grounded_in(content: bytes, params: Mapping[str, Any], reader: ReaderPool) -> Evidence:
    """The answer is there and paid: a document that cannot be searched leaves it unknown, and nothing more."""
    try:
        evidence = _evidence(await reader.call(_GROUND, content, dict(params)))
    except NightdropError as error:
        log.warning("an answer could not be searched in its document: %s", error)
        return _unsearched(params["content"], params["schema"])
    return await _in_scan(content, params, evidence) if _may_be_scan(params, evidence) else evidence


def _may_be_scan(params: Mapping[str, Any], evidence: Evidence) -> bool:
    """Nothing of what was searched stands in the text: there is none, or next to none."""
    matches = {field.match for field in evidence.fields.values()}
    nothing = matches and not matches & {FieldMatch.EXACT, FieldMatch.NEAR} and matches != {FieldMatch.NOT_PRINTED}
    return bool(nothing) and params["mime_type"] in READABLE and can_read_scans()


async def _in_scan(content: bytes, params: Mapping[str, Any], evidence: Evidence) -> Evidence:
    """The same with its pages recognised; where that fails it stays as it was."""
    asked = {**params, "most_pages": load_settings().ocr_pages}
    try:
        return _evidence(await ocr_pool().call(_GROUND_SCAN, content, asked))
    except NightdropError as error:
        log.warning("a scan could not be recognised: %s", error)
        return evidence


def _evidence(answer: Mapping[str, Any]) -> Evidence:
    return Evidence(
        fields={path: FieldResult.from_json(data) for path, data in answer["fields"].items()},
        candidates={path: [FieldResult.from_json(d) for d in data] for path, data in answer["candidates"].items()},
    )


def _unsearched(content: Any, schema: dict[str, Any]) -> Evidence:
    return Evidence(fields={leaf.path: ground(leaf, None) for leaf in leaves_of(content, schema)})
