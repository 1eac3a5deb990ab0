"""Prompt caching: what a provider has to be told so that it keeps what every document of an agent shares."""

from __future__ import annotations

import inspect
from typing import Any, cast

from pydantic_ai.settings import ModelSettings

from nightdrop.agents.spec import AgentSpec

_CHARACTERS_PER_TOKEN = 4
_LEAST_TOKENS = {
    "anthropic": 4096,  # the largest minimum over its models: below it some keep nothing
    "openai": 1024,
    "openai-chat": 1024,
    "openai-responses": 1024,
}
_LONGEST_KEY = 64


def caching(spec: AgentSpec, provider: str) -> ModelSettings | None:
    """Settings that have the shared beginning cached: tools and schema, then instructions, all before the document.

    None where that is automatic (Google) or not worth it. Anthropic bills writing the cache at a surcharge, so the mark
    stands at the end of the shared part. OpenAI caches by itself; the key sends an agent's requests to where its
    beginning is kept.
    """
    if provider not in _LEAST_TOKENS or _shared_tokens(spec) < _LEAST_TOKENS[provider]:
        return None
    if provider != "anthropic":
        settings: dict[str, Any] = {"openai_prompt_cache_key": f"nightdrop-{spec.id}"[:_LONGEST_KEY]}
    elif spec.instructions:
        settings = {"anthropic_cache_instructions": True}
    else:
        settings = {"anthropic_cache_tool_definitions": True}
    return cast("ModelSettings", settings)


def _shared_tokens(spec: AgentSpec) -> float:
    """At least so many; of a tool only its name and docstring are counted."""
    tools = sum(len(getattr(tool, "__name__", "")) + len(inspect.getdoc(tool) or "") for tool in spec.tools)
    return (len(spec.instructions or "") + spec.schema.size + tools) / _CHARACTERS_PER_TOKEN
