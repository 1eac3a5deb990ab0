"""Our serializer for the engine's rows: JSON, never pickle, so that no stored byte can run code."""

from __future__ import annotations

import json
from typing import Any

from dbos import Serializer

from nightdrop.errors import NightdropError


class JsonSerializer(Serializer):
    """Plain JSON. An exception is kept as its type, code and message, and comes back as a NightdropError."""

    def name(self) -> str:
        """What the engine's rows call it."""
        return "nightdrop_json"

    def serialize(self, data: Any) -> str:
        """JSON text; tuples become lists."""
        return json.dumps(data, default=_encode, ensure_ascii=False, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        """The data back."""
        return json.loads(serialized_data, object_hook=_decode)


def _encode(value: Any) -> Any:
    if isinstance(value, BaseException):
        code = getattr(value, "code", None)
        return {"__error__": type(value).__name__, "code": code if isinstance(code, str) else None, "text": str(value)}
    raise TypeError(f"{type(value).__name__} is not JSON data; steps take and return JSON data only")


def _decode(data: dict[str, Any]) -> Any:
    if "__error__" not in data:
        return data
    return NightdropError(f"{data['__error__']}: {data['text']}", code=data["code"] or "internal")
