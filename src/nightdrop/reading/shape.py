"""A JSON schema as a tree of fields: what is asked for, under which names, in which types."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from nightdrop.errors import SchemaTooFree

_MAX_DEPTH = 5


class Kind(StrEnum):
    """The type a value has to have in the answer. DECIMAL: a number that JSON carries as text."""

    TEXT = "text"
    DATE = "date"
    DATETIME = "datetime"
    DECIMAL = "decimal"
    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    OBJECT = "object"
    LIST = "list"


NUMBERS = frozenset({Kind.DECIMAL, Kind.FLOAT, Kind.INTEGER})
DATES = frozenset({Kind.DATE, Kind.DATETIME})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One property of the schema. names: key, title and further names, as written; choices: the enum's values."""

    key: str
    kind: Kind
    names: tuple[str, ...] = ()
    description: str = ""
    nullable: bool = False
    choices: tuple[Any, ...] | None = None
    children: tuple[Field, ...] = ()
    item: Field | None = None


def shape_of(schema: dict[str, Any]) -> tuple[Field, ...]:
    """The fields of an object schema; SchemaTooFree when the schema is not an object with properties."""
    return _shape(json.dumps(schema))


@lru_cache(maxsize=64)
def _shape(text: str) -> tuple[Field, ...]:
    """Every document of a batch has the same schema: its tree is made once."""
    schema = json.loads(text)
    root = _Reader(schema).field("", schema, 0)
    if root.kind is not Kind.OBJECT or not root.children:
        raise SchemaTooFree(
            'model="local" needs an output schema with named fields; configure a model for anything else'
        )
    return root.children


class _Reader:
    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def field(self, key: str, node: Any, depth: int) -> Field:
        inner, nullable = self._unwrapped(node)
        kind = _kind(inner) if depth <= _MAX_DEPTH else Kind.TEXT
        outer = node if isinstance(node, dict) else {}
        title = outer.get("title") or (inner.get("title") if kind is not Kind.OBJECT else None)
        children: tuple[Field, ...] = ()
        item = None
        if kind is Kind.OBJECT:
            children = tuple(
                self.field(name, child, depth + 1) for name, child in (inner.get("properties") or {}).items()
            )
        elif kind is Kind.LIST:
            item = self.field("", inner.get("items") or {"type": "string"}, depth + 1)
        return Field(
            key=key,
            kind=kind,
            names=tuple(dict.fromkeys(name for name in (key, title, *outer.get("aliases", ())) if name)),
            description=str(outer.get("description") or inner.get("description") or ""),
            nullable=nullable,
            choices=_choices(inner),
            children=children,
            item=item,
        )

    def _unwrapped(self, node: Any) -> tuple[dict[str, Any], bool]:
        """The schema behind $ref, allOf of one and unions with null; whether null is allowed."""
        nullable = False
        for _ in range(20):  # a $ref may point at a $ref; a circle of them ends here
            if not isinstance(node, dict):
                return {}, nullable
            variants = node.get("anyOf") or node.get("oneOf") or node.get("allOf")
            if "$ref" in node:
                node = self._target(str(node["$ref"]))
            elif isinstance(variants, list):
                some = [v for v in variants if not (isinstance(v, dict) and v.get("type") == "null")]
                nullable = nullable or len(some) < len(variants)
                if len(some) != 1:
                    return _merged(some), nullable
                node = some[0]
            else:
                kinds = node.get("type")
                return node, nullable or (isinstance(kinds, list) and "null" in kinds)
        return {}, nullable

    def _target(self, reference: str) -> Any:
        node: Any = self._schema
        for part in reference.removeprefix("#").strip("/").split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            node = node.get(part) if isinstance(node, dict) else None
        return node


def _merged(variants: list[Any]) -> dict[str, Any]:
    """A union as one node: number or text is a decimal (pydantic's Decimal), else the first variant with a type."""
    known = [v for v in variants if isinstance(v, dict)]
    types = {v.get("type") for v in known}
    if types & {"number", "integer"} and "string" in types:
        return {"type": "string", "format": "decimal"}
    return next((v for v in known if "type" in v or "enum" in v), {})


def _kind(node: dict[str, Any]) -> Kind:
    kind = node.get("type")
    if isinstance(kind, list):
        rest = [name for name in kind if name != "null"]
        if "string" in rest and ("number" in rest or "integer" in rest):
            return Kind.DECIMAL
        kind = rest[0] if rest else None
    if kind == "object" or (kind is None and "properties" in node):
        return Kind.OBJECT
    if kind == "string" or kind is None:
        by_format = {"date": Kind.DATE, "date-time": Kind.DATETIME, "decimal": Kind.DECIMAL}
        return by_format.get(str(node.get("format")), Kind.TEXT)
    return {
        "array": Kind.LIST,
        "number": Kind.FLOAT,
        "integer": Kind.INTEGER,
        "boolean": Kind.BOOLEAN,
    }.get(str(kind), Kind.TEXT)


def _choices(node: dict[str, Any]) -> tuple[Any, ...] | None:
    if "const" in node:
        return (node["const"],)
    values = node.get("enum")
    return tuple(value for value in values if value is not None) if isinstance(values, list) else None
