"""A turn in the form of the Responses API: one JSON body, or server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from nightdrop.testing.turn import Turn


def body(turn: Turn) -> dict[str, Any]:
    """The `response` object, completed or (truncated) incomplete."""
    return _response(turn, _status(turn), [_item(turn, turn.text, _status(turn))])


def events(turn: Turn) -> list[bytes]:
    """The events of a stream, from `response.created` to `response.completed` or `response.incomplete`."""
    numbers = count()
    return [_event(name, data | {"sequence_number": next(numbers)}) for name, data in _steps(turn)]


def _steps(turn: Turn) -> Iterator[tuple[str, dict[str, Any]]]:
    started = _response(turn, "in_progress", [])
    yield "response.created", {"response": started}
    yield "response.in_progress", {"response": started}
    empty = _item(turn, "", "in_progress")
    if turn.kind != "tool":
        empty["content"] = []
    yield "response.output_item.added", {"output_index": 0, "item": empty}
    yield from _call_steps(turn) if turn.kind == "tool" else _text_steps(turn)
    yield "response.output_item.done", {"output_index": 0, "item": _item(turn, turn.text, _status(turn))}
    yield f"response.{_status(turn)}", {"response": body(turn)}


def _call_steps(turn: Turn) -> Iterator[tuple[str, dict[str, Any]]]:
    at = {"item_id": f"fc_{turn.id}", "output_index": 0}
    for piece in turn.pieces():
        yield "response.function_call_arguments.delta", at | {"delta": piece}
    yield "response.function_call_arguments.done", at | {"arguments": turn.text, "name": turn.tool}


def _text_steps(turn: Turn) -> Iterator[tuple[str, dict[str, Any]]]:
    at = {"item_id": f"msg_{turn.id}", "output_index": 0, "content_index": 0}
    name, key = ("refusal", "refusal") if turn.kind == "refusal" else ("output_text", "text")
    extra: dict[str, Any] = {} if turn.kind == "refusal" else {"logprobs": []}
    yield "response.content_part.added", at | {"part": _part(turn, "")}
    for piece in turn.pieces():
        yield f"response.{name}.delta", at | {"delta": piece} | extra
    yield f"response.{name}.done", at | {key: turn.text} | extra
    yield "response.content_part.done", at | {"part": _part(turn, turn.text)}


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n".encode()


def _status(turn: Turn) -> str:
    return "incomplete" if turn.truncated else "completed"


def _item(turn: Turn, text: str, status: str) -> dict[str, Any]:
    if turn.kind == "tool":
        named = {"call_id": f"call_{turn.id}", "name": turn.tool, "arguments": text}
        return {"id": f"fc_{turn.id}", "type": "function_call", "status": status, **named}
    content = [_part(turn, text)]
    return {"id": f"msg_{turn.id}", "type": "message", "status": status, "role": "assistant", "content": content}


def _part(turn: Turn, text: str) -> dict[str, Any]:
    if turn.kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _response(turn: Turn, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"resp_{turn.id}",
        "object": "response",
        "created_at": turn.created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": turn.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None if status == "in_progress" else _usage(turn),
        "user": None,
    }


def _usage(turn: Turn) -> dict[str, Any]:
    usage = turn.usage
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
