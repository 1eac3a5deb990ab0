"""A call of a model: what the ledger knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nightdrop.records.metrics import CostSource

PICO = Decimal(10) ** 12
"""Pico-dollars in a dollar: the ledger's unit, in which sums are exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOpened:
    """A call about to be made."""

    call_id: str
    run_id: str
    attempt: int
    provider: str
    model: str
    opened_at: int


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
    """What a call cost: pico-dollars (None: unknown), who says so, and of which price list."""

    cost_pico: int | None
    source: CostSource
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallClosed:
    """How a call ended. outcome: `answered` or the error's code. response: the answer as JSON text."""

    outcome: str
    closed_at: int
    usage: Usage
    price: Price
    first_token_ms: int | None = None
    response: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """An earlier call of the same attempt, whose end is recorded. response: None if it failed. at: when it was opened,
    in milliseconds."""

    outcome: str
    response: str | None
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """Ledger rows summed under one key. calls includes open ones; cost is None when a price is unknown."""

    key: str | None
    calls: int
    open_calls: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None

    def to_json(self) -> dict[str, Any]:
        """The contract's shape; without `key` for a total."""
        data: dict[str, Any] = {} if self.key is None else {"key": self.key}
        return data | {
            "calls": self.calls,
            "open_calls": self.open_calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost": None if self.cost is None else dollars_text(self.cost),
        }


def dollars(pico: int) -> Decimal:
    """Pico-dollars as dollars."""
    return Decimal(pico) / PICO


def dollars_text(cost: Decimal) -> str:
    """Dollars as plain text, every digit and no more."""
    return format(cost.normalize(), "f")
