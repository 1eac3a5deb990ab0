"""Other values that may be meant: what is printed beside the field's label, and what looks much like the value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from nightdrop.reading.convert import convert
from nightdrop.reading.ground_leaf import Leaf
from nightdrop.reading.labelled import LabelledSource
from nightdrop.reading.locate import Locator
from nightdrop.reading.shape import NUMBERS
from nightdrop.records import FieldMatch, FieldResult

_ALIKE = 0.6  # of the characters
_MOST = 3


def alternatives(leaf: Leaf, found: FieldResult, labels: LabelledSource, locator: Locator) -> list[FieldResult]:
    """Other values for a field, the likeliest first; of one that stands on the page only what its label says."""
    seen = {str(leaf.value)}
    other = [candidate for candidate in _labelled(leaf, labels, locator) if _is_new(candidate, seen)]
    if found.match is FieldMatch.ABSENT:
        other += [candidate for candidate in _alike(leaf, locator) if _is_new(candidate, seen)]
    return other[:_MOST]


def _is_new(candidate: FieldResult, seen: set[str]) -> bool:
    if str(candidate.value) in seen:
        return False
    seen.add(str(candidate.value))
    return True


def _labelled(leaf: Leaf, labels: LabelledSource, locator: Locator) -> Iterator[FieldResult]:
    if leaf.field is None:
        return
    found = labels.value(leaf.field, leaf.parent)
    value = None if found is None else convert(found.value, leaf.field)
    if found is None or value is None or _same(value, leaf.value):
        return
    yield FieldResult(
        value=value,
        confidence=round(found.confidence, 2),
        match=FieldMatch.EXACT,
        page=found.page,
        bbox=found.bbox,
        page_size=None if found.bbox is None or found.page is None else locator.size_of(found.page),
        evidence=found.evidence,
    )


def _same(one: Any, other: Any) -> bool:
    """Whether two readings are one value: text by its letters and digits, `10` and `10.00` as numbers."""
    try:
        return float(one) == float(other)
    except (TypeError, ValueError):
        pass
    plain = ["".join(c for c in str(value).casefold() if c.isalnum()) for value in (one, other)]
    return plain[0] in plain[1] or plain[1] in plain[0]


def _alike(leaf: Leaf, locator: Locator) -> Iterator[FieldResult]:
    """Printed values of the same kind with nearly the same characters: what one digit makes of another."""
    printed = locator.printed(leaf.kind)
    ranked = sorted(_similar(str(leaf.value), printed), key=lambda pair: -pair[0])
    for _, value in ranked[:_MOST]:
        match = locator.find(value, leaf.kind)
        if match is not None:
            given = float(value) if leaf.kind in NUMBERS and isinstance(leaf.value, int | float) else value
            place = FieldResult(value=given, match=match.kind, page=match.page, evidence=match.evidence)
            yield replace(place, bbox=match.bbox, page_size=match.page_size, span=match.span)


def _similar(value: str, printed: Iterable[str]) -> Iterator[tuple[float, str]]:
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(value)
    for other in printed:
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE:
            yield matcher.ratio(), other
