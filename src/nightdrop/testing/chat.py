"""A turn in the form of Chat Completions: one JSON body, or server-sent events."""

from __future__ import annotations

import json
from typing import Any

from nightdrop.testing.turn import Turn


def body(turn: Turn) -> dict[str, Any]:
    """The `chat.completion` object."""
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
    if turn.kind == "tool":
        message["tool_calls"] = [_call(turn, turn.text)]
    else:
        message["refusal" if turn.kind == "refusal" else "content"] = turn.text
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(turn)}
    return _head(turn, "chat.completion") | {"choices": [choice], "usage": _usage(turn)}


def events(turn: Turn, *, include_usage: bool) -> list[bytes]:
    """The `chat.completion.chunk` events, `[DONE]` last; usage only when the request asked for it."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None if turn.kind == "tool" else ""}]
    if turn.kind == "tool":
        deltas.append({"tool_calls": [{"index": 0, **_call(turn, "")}]})
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in turn.pieces()]
    else:
        deltas += [{"refusal" if turn.kind == "refusal" else "content": piece} for piece in turn.pieces()]
    head = _head(turn, "chat.completion.chunk") | ({"usage": None} if include_usage else {})
    chunks = [head | {"choices": [_delta(delta, None)]} for delta in deltas]
    chunks.append(head | {"choices": [_delta({}, _finish(turn))]})
    if include_usage:
        chunks.append(head | {"choices": [], "usage": _usage(turn)})
    return [*(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks), b"data: [DONE]\n\n"]


def _head(turn: Turn, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{turn.id}",
        "object": kind,
        "created": turn.created,
        "model": turn.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }


def _delta(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _call(turn: Turn, arguments: str) -> dict[str, Any]:
    return {"id": f"call_{turn.id}", "type": "function", "function": {"name": turn.tool, "arguments": arguments}}


def _finish(turn: Turn) -> str:
    if turn.truncated:
        return "length"
    return "tool_calls" if turn.kind == "tool" else "stop"


def _usage(turn: Turn) -> dict[str, Any]:
    usage = turn.usage
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
