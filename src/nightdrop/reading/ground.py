"""The pool task that grounds an answer: where each of its values stands in the document, and how sure that makes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nightdrop.documents.pages import read_pages
from nightdrop.reading.alternatives import alternatives
from nightdrop.reading.confidence import confidence_of
from nightdrop.reading.ground_leaf import Leaf, leaves_of, shape_or_none
from nightdrop.reading.labelled import LabelledSource
from nightdrop.reading.locate import Locator
from nightdrop.reading.shape import Kind
from nightdrop.records import DocumentText, FieldResult
from nightdrop.records.field import FieldMatch

_PROSE_LENGTH = 200  # characters: longer text is written, not copied


def ground_answer(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """{"mime_type", "schema", "content": the answer, "candidates": whether other values are looked for} →
    {"fields": path → FieldResult, none for values that are null; "candidates": path → list of FieldResult}.

    schema: of the content as it is, so with its own keys.
    """
    return ground_in(read_pages(content, params["mime_type"]), params)


def ground_in(text: DocumentText, params: dict[str, Any]) -> dict[str, Any]:
    """`ground_answer` over what is printed, however it was read."""
    locator = Locator(text) if any(page.words for page in text.pages) else None
    leaves = list(leaves_of(params["content"], params["schema"]))
    found = {leaf.path: ground(leaf, locator) for leaf in leaves}
    other: dict[str, list[FieldResult]] = {}
    if params.get("candidates") and locator is not None:
        labels = LabelledSource.of(text, shape_or_none(params["schema"]))
        other = {leaf.path: alternatives(leaf, found[leaf.path], labels, locator) for leaf in leaves}
    return {
        "fields": {path: result.to_json() for path, result in found.items()},
        "candidates": {path: [one.to_json() for one in some] for path, some in other.items() if some},
    }


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
        page_size=match.page_size,
        span=match.span,
        evidence=match.evidence,
    )
