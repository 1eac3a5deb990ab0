"""The plain values of an answer, each with its path and with what the schema says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from nightdrop.errors import SchemaTooFree
from nightdrop.reading.confidence import said_of
from nightdrop.reading.shape import Field, Kind, shape_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A plain value of an answer. said: the model's own confidence in it, where the schema asks for one.

    field: what the schema says of it, None for what stands in a list or is not in the schema; parent: dotted keys of
    the objects it stands in.
    """

    path: str
    value: Any
    kind: Kind
    said: float | None = None
    field: Field | None = None
    parent: str = ""


def shape_or_none(schema: dict[str, Any]) -> tuple[Field, ...]:
    """The fields of a schema; none where it names none."""
    try:
        return shape_of(schema)
    except SchemaTooFree:
        return ()


def leaves_of(content: Any, schema: dict[str, Any]) -> Iterator[Leaf]:
    """Every plain value that is not null, with its dotted path and the kind that the schema (else the value) gives."""
    root = Field(key="", kind=Kind.OBJECT, children=shape_or_none(schema))
    for leaf in _leaves(content, "", root, ""):
        if leaf.value is not None:
            yield leaf


def _leaves(value: Any, path: str, field: Field | None, parent: str | None) -> Iterator[Leaf]:
    """parent None: within a list, where no label stands beside a value."""
    if isinstance(value, dict):
        yield from _of_object(value, path, field, parent)
    elif isinstance(value, list):
        item = field.item if field is not None else None
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{index}" if path else str(index), item, None)
    else:
        kind = _kind(value) if field is None else field.kind
        yield Leaf(path=path, value=value, kind=kind, field=None if parent is None else field, parent=parent or "")


def _of_object(value: dict[str, Any], path: str, field: Field | None, parent: str | None) -> Iterator[Leaf]:
    known = {child.key: child for child in (field.children if field is not None else ())}
    if {"value", "confidence"} <= value.keys() and not isinstance(value["value"], dict | list):
        yield _with_word(value, f"{path}.value" if path else "value", field, known.get("value"), parent)
        value = {key: inner for key, inner in value.items() if key not in ("value", "confidence")}
    within = None if parent is None else f"{parent}.{field.key}".strip(".") if field is not None else parent
    for key, inner in value.items():
        yield from _leaves(inner, f"{path}.{key}" if path else key, known.get(key), within)


def _with_word(value: dict[str, Any], path: str, outer: Field | None, inner: Field | None, parent: str | None) -> Leaf:
    """A value with a confidence beside it: what it means is the name of the object that holds both."""
    kind = _kind(value["value"]) if inner is None else inner.kind
    meant = (
        None if inner is None or outer is None or parent is None else replace(inner, key=outer.key, names=outer.names)
    )
    return Leaf(
        path=path, value=value["value"], kind=kind, said=said_of(value["confidence"]), field=meant, parent=parent or ""
    )


def _kind(value: Any) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOLEAN
    return Kind.FLOAT if isinstance(value, int | float) else Kind.TEXT
