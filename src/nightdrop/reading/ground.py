"""The pool task that grounds an answer: where each of its values stands in the document, and how sure that makes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nightdrop.documents.pages import read_pages
from nightdrop.errors import SchemaTooFree
from nightdrop.reading.locate import Locator, Match
from nightdrop.reading.shape import Field, Kind, shape_of
from nightdrop.records import FieldResult

_CONFIDENCE = {"exact": 0.95, "near": 0.85}
_ABSENT = 0.3  # an answer that is not printed may be an inference, or invented
_PROSE_LENGTH = 200  # characters: longer text is written, not copied


def ground_answer(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """{"mime_type", "schema", "content": the answer} → {"fields": path → FieldResult, "absent": paths not found}.

    Without a text layer (scans, images), and for booleans and prose, confidence is None: nothing is known.
    """
    text = read_pages(content, params["mime_type"])
    locator = Locator(text) if any(page.words for page in text.pages) else None
    try:
        shape = shape_of(params["schema"])
    except SchemaTooFree:
        shape = ()
    fields: dict[str, Any] = {}
    absent: list[str] = []
    for path, value, kind in _leaves(params["content"], "", shape, None):
        if value is None:
            continue
        is_known = locator is not None and kind is not Kind.BOOLEAN and len(str(value)) <= _PROSE_LENGTH
        match = locator.find(value, kind) if is_known and locator is not None else None
        fields[path] = _result(value, match, is_known=is_known).to_json()
        if is_known and match is None:
            absent.append(path)
    return {"fields": fields, "absent": absent}


def _result(value: Any, match: Match | None, *, is_known: bool) -> FieldResult:
    if match is None:
        return FieldResult(value=value, confidence=_ABSENT if is_known else None)
    return FieldResult(
        value=value, confidence=_CONFIDENCE[match.kind], page=match.page, bbox=match.bbox, evidence=match.evidence
    )


def _leaves(value: Any, path: str, shape: tuple[Field, ...], field: Field | None) -> Iterator[tuple[str, Any, Kind]]:
    """Every plain value with its dotted path, and the kind that the schema (else the value itself) gives it."""
    if isinstance(value, dict):
        known = {child.key: child for child in shape}
        for key, inner in value.items():
            child = known.get(key)
            yield from _leaves(inner, f"{path}.{key}" if path else key, child.children if child else (), child)
    elif isinstance(value, list):
        item = field.item if field is not None else None
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{index}", item.children if item else (), item)
    else:
        yield path, value, _kind(value) if field is None else field.kind


def _kind(value: Any) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOLEAN
    return Kind.FLOAT if isinstance(value, int | float) else Kind.TEXT
