"""What a call may cost, at list price, before it is made."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from nightdrop.agents.estimate import estimate, said_output
from nightdrop.ledger.prices import price_of
from nightdrop.records.budget import Need
from nightdrop.records.model_call import Usage
from nightdrop.settings import load_settings

LEAST_OUTPUT_TOKENS = 2_048
"""The shortest answer that is asked for to stay within a budget: a shorter one would be cut off, and paid for."""

_DEARER_TIERS = ("priority", "fast", "ultrafast")


def need_of(
    provider: str,
    model: Model,
    messages: Sequence[ModelMessage],
    settings: ModelSettings | None,
    parameters: ModelRequestParameters,
    now_ms: int,
) -> Need | None:
    """What the call takes, None when nobody knows the price."""
    found = estimate(model, messages, settings, parameters)
    read = Usage(input_tokens=found.input_tokens)
    whole = Usage(input_tokens=found.input_tokens, output_tokens=found.output_tokens)
    prices, tier = load_settings().prices, _asked_tier(model, settings)
    input_pico, pico = (
        price_of(provider, model.model_name, usage, said=None, at_ms=now_ms, prices_file=prices, tier=tier).cost_pico
        for usage in (read, whole)
    )
    if pico is None:
        return None
    input_pico = input_pico or 0
    most = found.output_tokens
    least = most if said_output(model, settings) is not None else min(most, LEAST_OUTPUT_TOKENS)
    token_pico = -(-(pico - input_pico) // most) if most else 0  # rounded up
    return Need(input_pico=input_pico, token_pico=token_pico, most=most, least=least)


def _asked_tier(model: Model, settings: ModelSettings | None) -> str | None:
    """A dearer service tier that the model's own settings ask for. A cheaper one may not be had: it is not reckoned."""
    said = {**(model.settings or {}), **(settings or {})}
    tier = said.get("openai_service_tier") or said.get("service_tier")
    return str(tier) if tier in _DEARER_TIERS else None
