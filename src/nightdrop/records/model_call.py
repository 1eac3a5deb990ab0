"""A call of a model: what the ledger knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from nightdrop.records.metrics import CostSource

PICO = Decimal(10) ** 12
"""Pico-dollars in a dollar: the ledger's unit, in which sums are exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOpened:
    """A call about to be made. reserved_pico: what it might cost, None without a budget. step, step_try: of a
    workflow's step its path and which try, empty and 1 in an agent's run."""

    call_id: str
    run_id: str
    attempt: int
    provider: str
    model: str
    opened_at: int
    reserved_pico: int | None = None
    step: str = ""
    step_try: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of a call; cached ones are part of input_tokens, reasoning ones of output_tokens."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a call cost: pico-dollars (None: unknown), who says so, and of which price list.

    saved_pico: what the same tokens would have cost more without the prompt cache; below 0 when writing the cache cost
    more than reading it saved, None when nobody knows.
    """

    cost_pico: int | None
    source: CostSource
    version: str | None = None
    saved_pico: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallClosed:
    """How a call ended. outcome: `answered` or the error's code. response: the answer as JSON text.
    tier: the service tier as the provider named it."""

    outcome: str
    closed_at: int
    usage: Usage
    price: Price
    first_token_ms: int | None = None
    response: str | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """An earlier call of the same attempt, whose end is recorded. response: None if it failed. at: when it was opened,
    in milliseconds. provider, model: who was asked."""

    outcome: str
    response: str | None
    at: int = 0
    provider: str = ""
    model: str = ""
    step: str = ""
    step_try: int = 1


def dollars(pico: int) -> Decimal:
    """Pico-dollars as dollars."""
    return Decimal(pico) / PICO


def dollars_text(cost: Decimal) -> str:
    """Dollars as plain text, every digit and no more."""
    return format(cost.normalize(), "f")
