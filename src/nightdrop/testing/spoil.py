"""Good answers made bad: cut off, or valid JSON that does not fit the schema."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

_WRONG: dict[str, Any] = {"unexpected": True}


def cut(text: str) -> str:
    """About two thirds of the text: JSON that does not end."""
    return text[: max(1, len(text) * 2 // 3)]


def misfit(text: str, schema: dict[str, Any] | None) -> str:
    """JSON that the schema does not allow: an object where each value is of the wrong type, else another type."""
    names = (schema or {}).get("properties") or {"nothing": {}}
    good = json.loads(text) if schema is not None else {}
    if isinstance(good, dict):
        names = {**names, **good}
    candidates: list[Any] = [dict.fromkeys(names, _WRONG), ["not what was asked for"], _WRONG, 7]
    allowed = Draft202012Validator(schema or {})
    return json.dumps(next((item for item in candidates if not allowed.is_valid(item)), candidates[0]))
