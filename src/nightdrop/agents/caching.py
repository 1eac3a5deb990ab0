"""Prompt caching where a provider has to be asked for it, and only for a prefix that it would keep."""

from __future__ import annotations

import json
from typing import Any, cast

from pydantic_ai.settings import ModelSettings

from nightdrop.agents.spec import AgentSpec

_CHARACTERS_PER_TOKEN = 4
_LEAST_TOKENS = 4096
"""Anthropic's largest minimum over its models: below it some models keep nothing."""


def caching(spec: AgentSpec, provider: str, schema: dict[str, Any] | None) -> ModelSettings | None:
    """Settings that have instructions and schema cached, None where that is automatic (OpenAI, Google) or not worth it.

    Anthropic bills writing the cache at a surcharge, and a prefix is what every document of an agent shares: tools,
    then instructions. The mark stands at its end, before the document.
    """
    if provider != "anthropic":
        return None
    instructions = spec.instructions or ""
    shared = len(instructions) + len(json.dumps(schema or {}, separators=(",", ":")))
    if shared < _LEAST_TOKENS * _CHARACTERS_PER_TOKEN:
        return None
    where = "anthropic_cache_instructions" if instructions else "anthropic_cache_tool_definitions"
    return cast("ModelSettings", {where: True})
