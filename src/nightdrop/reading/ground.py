"""The pool task that grounds an answer: where each of its values stands in the document, and how sure that makes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from nightdrop.documents.pages import read_pages
from nightdrop.errors import SchemaTooFree
from nightdrop.reading.confidence import confidence_of, said_of
from nightdrop.reading.locate import Locator
from nightdrop.reading.shape import Field, Kind, shape_of
from nightdrop.records import FieldResult
from nightdrop.records.field import FieldMatch

_PROSE_LENGTH = 200  # characters: longer text is written, not copied


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A plain value of an answer. said: the model's own confidence in it, where the schema asks for one."""

    path: str
    value: Any
    kind: Kind
    said: float | None = None


def ground_answer(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """{"mime_type", "schema", "content": the answer} → {"fields": path → FieldResult}, none for values that are null.

    schema: of the content as it is, so with its own keys.
    """
    text = read_pages(content, params["mime_type"])
    locator = Locator(text) if any(page.words for page in text.pages) else None
    found = {leaf.path: ground(leaf, locator) for leaf in leaves_of(params["content"], params["schema"])}
    return {"fields": {path: result.to_json() for path, result in found.items()}}


def ground(leaf: Leaf, locator: Locator | None) -> FieldResult:
    """One value searched in a document; without a locator there is no text to search."""
    result = FieldResult(value=leaf.value, said=leaf.said)
    if leaf.kind is Kind.BOOLEAN or isinstance(leaf.value, bool) or len(str(leaf.value)) > _PROSE_LENGTH:
        return replace(result, match=FieldMatch.NOT_PRINTED)
    if locator is None:
        return replace(result, match=FieldMatch.NO_TEXT)
    match = locator.find(leaf.value, leaf.kind)
    if match is None:
        return replace(result, match=FieldMatch.ABSENT, confidence=confidence_of(FieldMatch.ABSENT, leaf.said))
    return replace(
        result,
        match=match.kind,
        confidence=confidence_of(match.kind, leaf.said),
        page=match.page,
        bbox=match.bbox,
        span=match.span,
        evidence=match.evidence,
    )


def leaves_of(content: Any, schema: dict[str, Any]) -> Iterator[Leaf]:
    """Every plain value that is not null, with its dotted path and the kind that the schema (else the value) gives."""
    try:
        shape = shape_of(schema)
    except SchemaTooFree:
        shape = ()
    for leaf in _leaves(content, "", shape, None):
        if leaf.value is not None:
            yield leaf


def _leaves(value: Any, path: str, shape: tuple[Field, ...], field: Field | None) -> Iterator[Leaf]:
    if isinstance(value, dict):
        known = {child.key: child for child in shape}
        has_word = {"value", "confidence"} <= value.keys() and not isinstance(value["value"], dict | list)
        for key, inner in value.items():
            if has_word and key == "confidence":
                continue
            child = known.get(key)
            for leaf in _leaves(inner, f"{path}.{key}" if path else key, child.children if child else (), child):
                yield replace(leaf, said=said_of(value["confidence"])) if has_word and key == "value" else leaf
    elif isinstance(value, list):
        item = field.item if field is not None else None
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{index}" if path else str(index), item.children if item else (), item)
    else:
        yield Leaf(path=path, value=value, kind=_kind(value) if field is None else field.kind)


def _kind(value: Any) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOLEAN
    return Kind.FLOAT if isinstance(value, int | float) else Kind.TEXT
