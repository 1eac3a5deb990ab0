"""What the ledger says: sums under a key, and single calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from nightdrop.records.model_call import dollars_text


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """Ledger rows summed under one key; key is None for a total.

    calls includes open ones (possibly billed) and failed ones. cost: US dollars of the closed calls, None when a price
    is unknown. saved: US dollars that the prompt cache saved, as far as prices are known.
    """

    key: str | None
    calls: int
    open_calls: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    failed_calls: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    saved: Decimal = Decimal(0)

    def to_json(self) -> dict[str, Any]:
        """The contract's shape; without `key` for a total."""
        data: dict[str, Any] = {} if self.key is None else {"key": self.key}
        return data | {
            "calls": self.calls,
            "open_calls": self.open_calls,
            "failed_calls": self.failed_calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_write_tokens": self.cache_write_tokens,
            "cost": _text(self.cost),
            "saved": _text(self.saved),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What `db.costs` returns: one row for each key in order, and the sum over all of them."""

    items: tuple[CostRow, ...]
    total: CostRow

    def to_json(self) -> dict[str, Any]:
        """The contract's shape."""
        return {"items": [row.to_json() for row in self.items], "total": self.total.to_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCall:
    """One model call as the ledger has it. closed_at is None while it is possibly billed; outcome is None when nobody
    recorded how it ended. cost and saved: US dollars, None when unknown.
    tier: the service tier as the provider named it."""

    call_id: str
    run_id: str
    agent_id: str | None
    batch_id: str | None
    attempt: int
    number: int
    provider: str
    model: str
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost: Decimal | None
    cost_source: str | None
    price_version: str | None
    saved: Decimal | None
    tier: str | None

    def to_json(self) -> dict[str, Any]:
        """The plain form: times in ISO 8601, money as text."""
        data = {name: getattr(self, name) for name in self.__slots__}
        return data | {
            "opened_at": self.opened_at.isoformat(),
            "closed_at": None if self.closed_at is None else self.closed_at.isoformat(),
            "cost": _text(self.cost),
            "saved": _text(self.saved),
        }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else dollars_text(amount)
