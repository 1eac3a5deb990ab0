"""Data made up from a JSON schema: always the same for the same seed, always valid."""

from __future__ import annotations

import json
import random
from typing import Any

from nightdrop.errors import UsageError
from nightdrop.testing.schema_numbers import number
from nightdrop.testing.schema_strings import StringWriter

_DEEP = 6  # below this, optional things are left out, so that recursive schemas end
_BOTTOM = 60
_NULL = {"type": "null"}


def generate(schema: dict[str, Any], *, seed: str) -> object:
    """A value that is valid against the schema. Raises UsageError when none can be made up (say, an odd pattern)."""
    return _Writer(schema, random.Random(seed)).value(schema, 0)


class _Writer:
    """Writes values of one schema; `depth` counts how far below the root."""

    def __init__(self, root: dict[str, Any], source: random.Random) -> None:
        self._root = root
        self._random = source
        self._strings = StringWriter(source)

    def value(self, schema: object, depth: int) -> object:
        """A value for this part of the schema."""
        if depth > _BOTTOM:
            raise UsageError("this schema has no finite value")
        plain = self._plain(schema, depth)
        if "const" in plain:
            return plain["const"]
        if "enum" in plain:
            return self._random.choice([item for item in plain["enum"] if item is not None] or [None])
        kind = _kind(plain, self._random)
        if kind == "object":
            return self._object(plain, depth)
        if kind == "array":
            return self._array(plain, depth)
        if kind in ("integer", "number"):
            return number(plain, kind, self._random)
        if kind == "string":
            return self._strings.value(plain)
        return None if kind == "null" else self._random.random() < 0.5

    def _plain(self, schema: object, depth: int) -> dict[str, Any]:
        """The schema with $ref, allOf, anyOf and oneOf resolved."""
        if not isinstance(schema, dict):
            if schema is False:
                raise UsageError("the schema forbids every value")
            return {}
        plain = schema
        for _ in range(_BOTTOM):
            if "$ref" in plain:
                target = self._resolve(plain["$ref"])
                plain = _merge(target, {key: v for key, v in plain.items() if key != "$ref"})
            elif "allOf" in plain:
                rest = {key: v for key, v in plain.items() if key != "allOf"}
                for part in plain["allOf"]:
                    rest = _merge(self._plain(part, depth), rest)
                plain = rest
            elif "anyOf" in plain or "oneOf" in plain:
                word = "anyOf" if "anyOf" in plain else "oneOf"
                rest = {key: v for key, v in plain.items() if key != word}
                plain = _merge(self._branch(plain[word], depth), rest)
            else:
                return plain
        raise UsageError("this schema refers to itself without end")

    def _branch(self, branches: list[Any], depth: int) -> dict[str, Any]:
        if depth <= _DEEP:  # no need to look into null
            branches = [branch for branch in branches if branch != _NULL] or branches
        plain = [self._plain(branch, depth) for branch in branches]
        if len(plain) == 1:
            return plain[0]
        if depth > _DEEP:
            empty = [branch for branch in plain if branch.get("type") == "null"]
            flat = [branch for branch in plain if branch.get("type") not in ("object", "array")]
            plain = empty or flat or plain
        full = [branch for branch in plain if branch.get("type") != "null"] or plain
        kinds = {branch.get("type"): branch for branch in full}
        if set(kinds) == {"number", "string"}:  # a Decimal: bounds stand only at the number, digits only at the string
            bounded = set(kinds["number"]) - {"type"}
            return kinds["string"] if "pattern" in kinds["string"] and not bounded else kinds["number"]
        return self._random.choice(full)

    def _resolve(self, ref: str) -> dict[str, Any]:
        found: Any = self._root
        for step in ref.removeprefix("#").strip("/").split("/"):
            if step:
                name = step.replace("~1", "/").replace("~0", "~")
                found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, bool):
            return {}
        if not isinstance(found, dict):
            raise UsageError(f"the schema refers to {ref}, which it does not hold")
        return found

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, object]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        names = [name for name in properties if depth <= _DEEP or name in required]
        names += [name for name in required if name not in properties]
        others = schema.get("additionalProperties")
        made = {name: self.value(properties.get(name, others), depth + 1) for name in names}
        wanted = schema.get("minProperties", 0)
        if not properties and isinstance(others, dict) and depth <= _DEEP:
            wanted = max(wanted, 1)
        while len(made) < wanted and others is not False:
            key = self._strings.value(schema.get("propertyNames") or {"maxLength": 12})
            made.setdefault(str(key), self.value(others, depth + 1))
        return made

    def _array(self, schema: dict[str, Any], depth: int) -> list[object]:
        first = [self.value(item, depth + 1) for item in schema.get("prefixItems", [])]
        low = schema.get("minItems", 0)
        high = schema.get("maxItems", max(low, 3))
        items = schema.get("items", {} if low > len(first) else False)
        if items is False:
            return first[:high]
        fewest = low if depth > _DEEP else max(low, min(1, high))
        count = fewest if depth > _DEEP else self._random.randint(fewest, max(fewest, min(high, fewest + 2)))
        made = [*first]
        seen = {_key(item) for item in made}
        for _ in range(count * 20):
            if len(made) >= count:
                break
            item = self.value(items, depth + 1)
            if not schema.get("uniqueItems") or _key(item) not in seen:
                seen.add(_key(item))
                made.append(item)
        return made


def _key(item: object) -> str:
    return json.dumps(item, sort_keys=True, default=str)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = {**below, **above}
    for word in ("properties", "$defs"):
        if word in below and word in above:
            merged[word] = {**below[word], **above[word]}
    if "required" in below and "required" in above:
        merged["required"] = [*below["required"], *above["required"]]
    return merged


def _kind(schema: dict[str, Any], source: random.Random) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return str(source.choice([item for item in kind if item != "null"] or ["null"]))
    if kind is not None:
        return str(kind)
    for word, implied in (("properties", "object"), ("additionalProperties", "object"), ("items", "array")):
        if word in schema:
            return implied
    bounds = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
    return "number" if any(word in schema for word in bounds) else "string"
