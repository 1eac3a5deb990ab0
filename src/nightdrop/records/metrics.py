"""What a run cost, in tokens, dollars and seconds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

CostSource = Literal["provider", "prices", "override", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMetrics:
    """Sums over every model call of the run, failed and rejected ones too.

    cost: US dollars, None when the price is unknown (never 0 for want of knowing). duration: seconds of
    execution. time_to_first_token: seconds, None unless the run was streamed.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal | None = Decimal(0)
    cost_source: CostSource = "prices"
    model_calls: int = 0
    duration: float | None = None
    time_to_first_token: float | None = None

    @property
    def total_tokens(self) -> int:
        """Input plus output tokens."""
        return self.input_tokens + self.output_tokens

    def to_json(self) -> dict[str, Any]:
        """The plain form; cost as text so that no cent is rounded."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.total_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_write_tokens": self.cache_write_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "cost": None if self.cost is None else format(self.cost, "f"),
            "cost_source": self.cost_source,
            "model_calls": self.model_calls,
            "duration": self.duration,
            "time_to_first_token": self.time_to_first_token,
        }
