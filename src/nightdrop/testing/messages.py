"""A turn in the form of Anthropic's Messages API: one JSON body, or server-sent events; and its errors and headers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from nightdrop.testing.limits import Left
from nightdrop.testing.turn import Turn

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def body(turn: Turn) -> dict[str, Any]:
    """The `message` object."""
    return _message(turn, [_block(turn, turn.text)], _stop_reason(turn), turn.usage.output_tokens)


def events(turn: Turn) -> list[bytes]:
    """The events of a stream, from `message_start` to `message_stop`."""
    return [f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode() for data in _steps(turn)]


def refusal(status: int, error: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body of an error, from OpenAI's of the same meaning."""
    message = str(error["message"])
    if error.get("code") == "insufficient_quota":
        status, message = 400, "Your credit balance is too low to access the Anthropic API."
    return status, {"type": "error", "error": {"type": _ERROR_TYPES.get(status, "api_error"), "message": message}}


def headers(left: Mapping[str, Left], now_ms: int) -> dict[str, str]:
    """`anthropic-ratelimit-*` for those limits that are set; a reset is a moment."""
    found: dict[str, str] = {}
    for name, allowance in left.items():
        reset = datetime.fromtimestamp(now_ms / 1000 + allowance.reset_seconds, tz=UTC)
        found[f"anthropic-ratelimit-{name}-limit"] = str(allowance.limit)
        found[f"anthropic-ratelimit-{name}-remaining"] = str(allowance.remaining)
        found[f"anthropic-ratelimit-{name}-reset"] = reset.isoformat().replace("+00:00", "Z")
    return found


def _steps(turn: Turn) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": _message(turn, [], None, 1)}
    empty = _block(turn, "")
    if turn.kind == "tool":
        empty["input"] = {}
    yield {"type": "content_block_start", "index": 0, "content_block": empty}
    for piece in turn.pieces():
        delta = (
            {"type": "input_json_delta", "partial_json": piece}
            if turn.kind == "tool"
            else {"type": "text_delta", "text": piece}
        )
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    stop = {"stop_reason": _stop_reason(turn), "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": turn.usage.output_tokens}}
    yield {"type": "message_stop"}


def _block(turn: Turn, text: str) -> dict[str, Any]:
    if turn.kind != "tool":
        return {"type": "text", "text": text}
    return {"type": "tool_use", "id": f"toolu_{turn.id}", "name": turn.tool, "input": _arguments(text)}


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return {}  # cut off


def _message(turn: Turn, content: list[Any], stop_reason: str | None, output_tokens: int) -> dict[str, Any]:
    usage = turn.usage
    return {
        "id": f"msg_{turn.id}",
        "type": "message",
        "role": "assistant",
        "model": turn.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens,
            "cache_creation_input_tokens": usage.cache_write_tokens,
            "cache_read_input_tokens": usage.cached_tokens,
            "output_tokens": output_tokens,
            "service_tier": "standard",
        },
    }


def _stop_reason(turn: Turn) -> str:
    if turn.truncated:
        return "max_tokens"
    return {"tool": "tool_use", "refusal": "refusal", "text": "end_turn"}[turn.kind]
