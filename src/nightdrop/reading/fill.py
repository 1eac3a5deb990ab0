"""A schema's fields filled from sources, in order of trust: the answer, where each value stands, what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nightdrop.reading.convert import convert
from nightdrop.reading.found import Found, Source
from nightdrop.reading.shape import Field, Kind
from nightdrop.records import FieldMatch, FieldResult

Place = Callable[[Found, Field], Found]


@dataclass(slots=True, kw_only=True)
class Filled:
    """The answer: content as JSON, a FieldResult per dotted path, and the paths that stayed empty."""

    content: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, FieldResult] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def fill(shape: tuple[Field, ...], sources: list[Source], *, place: Place | None = None) -> Filled:
    """Every field from the first source that has a fitting value; null where none has. place: finds it on the page."""
    filled = Filled()
    filled.content = _object(filled, shape, sources, "", "", place)
    return filled


def _object(
    filled: Filled, shape: tuple[Field, ...], sources: list[Source], path: str, parent: str, place: Place | None
) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for wanted in shape:
        at = f"{path}{wanted.key}"
        if wanted.kind is Kind.OBJECT:
            content[wanted.key] = _nested(filled, wanted, sources, at, parent, place)
        elif wanted.kind is Kind.LIST:
            content[wanted.key] = _list(filled, wanted, sources, at, place)
        else:
            content[wanted.key] = _plain(filled, wanted, sources, at, parent, place)
    return content


def _plain(filled: Filled, wanted: Field, sources: list[Source], at: str, parent: str, place: Place | None) -> Any:
    for source in sources:
        found = source.value(wanted, parent)
        value = None if found is None else convert(found.value, wanted)
        if found is None or value is None:
            continue
        found = place(found, wanted) if place is not None else found
        filled.fields[at] = FieldResult(
            value=value,
            confidence=round(found.confidence, 2),
            match=None if found.page is None else FieldMatch.EXACT,
            document=None if found.page is None else 0,
            page=found.page,
            bbox=found.bbox,
            evidence=found.evidence,
        )
        return value
    filled.missing.append(at)
    return None


def _nested(filled: Filled, wanted: Field, sources: list[Source], at: str, parent: str, place: Place | None) -> Any:
    inner = f"{parent}.{wanted.key}" if parent else wanted.key
    before = len(filled.fields)
    content = _object(filled, wanted.children, sources, f"{at}.", inner, place)
    return None if wanted.nullable and len(filled.fields) == before else content


def _list(filled: Filled, wanted: Field, sources: list[Source], at: str, place: Place | None) -> Any:
    item = wanted.item
    if item is not None and item.kind is Kind.OBJECT:
        for source in sources:
            rows = source.rows(wanted)
            if rows:
                return [
                    _object(filled, item.children, [row], f"{at}.{index}.", "", place) for index, row in enumerate(rows)
                ]
    filled.missing.append(at)
    return None if wanted.nullable else []
