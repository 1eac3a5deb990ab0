"""Tool calls that the simulated model makes before it answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nightdrop.errors import UsageError
from nightdrop.testing.model_request import ModelRequest, Tool
from nightdrop.testing.schema_values import generate


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The model calls this function before it answers; arguments None: generated from the function's schema."""

    name: str
    arguments: Mapping[str, Any] | None = None

    @classmethod
    def from_json(cls, data: object) -> ToolCall:
        """A name, or an object with name and arguments."""
        if isinstance(data, str):
            return cls(name=data)
        if not isinstance(data, Mapping) or not set(data) <= {"name", "arguments"} or "name" not in data:
            raise UsageError('a tool call is a name or {"name": ..., "arguments": {...}}')
        return cls(name=data["name"], arguments=data.get("arguments"))


def next_call(script: Sequence[ToolCall], request: ModelRequest) -> tuple[str, object] | None:
    """Name and arguments of the call that is due in this conversation; None when it is time to answer.

    The conversation itself says how far it is, so calls of many conversations may be mixed. Calls of functions that the
    request does not offer are skipped.
    """
    offered = {tool.name: tool for tool in request.tools}
    done = Counter(request.done)
    for call in script:
        if call.name not in offered:
            continue
        if done[call.name] > 0:
            done[call.name] -= 1
            continue
        return call.name, _arguments(call, offered[call.name], request)
    return None


def _arguments(call: ToolCall, tool: Tool, request: ModelRequest) -> object:
    return generate(tool.parameters, seed=request.seed) if call.arguments is None else dict(call.arguments)
