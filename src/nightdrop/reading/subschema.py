"""The part of a JSON schema that a dotted path leads to: what one corrected value must fit."""

from __future__ import annotations

from typing import Any


def subschema(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """The schema of the value at a path, with the definitions it refers to; {} (anything) where it says nothing."""
    node: Any = schema
    for part in path.split(".") if path else []:
        node = _step(schema, node, part)
        if node is None:
            return {}
    if not isinstance(node, dict):
        return {}
    definitions = {name: schema[name] for name in ("$defs", "definitions") if name in schema}
    return {**definitions, **node}


def _step(schema: dict[str, Any], node: Any, part: str) -> Any:
    for option in _options(schema, node, 20):
        if part.isdecimal() and "items" in option:
            return option["items"]
        if part in option.get("properties", {}):
            return option["properties"][part]
        if isinstance(option.get("additionalProperties"), dict):
            return option["additionalProperties"]
    return None


def _options(schema: dict[str, Any], node: Any, depth: int) -> list[dict[str, Any]]:
    """A node behind its references, and each of its variants."""
    if not isinstance(node, dict) or depth == 0:
        return []
    if "$ref" in node:
        target: Any = schema
        for part in str(node["$ref"]).removeprefix("#").strip("/").split("/"):
            target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        return _options(schema, target, depth - 1)
    found = [node]
    for name in ("anyOf", "oneOf", "allOf"):
        for variant in node.get(name, ()):
            found += _options(schema, variant, depth - 1)
    return found
