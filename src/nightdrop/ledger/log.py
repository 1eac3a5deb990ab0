"""The call log: where a call is written before it is made and after it has ended. Durable, or in memory without db."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from nightdrop import clock
from nightdrop.records.budget import Need, Purse
from nightdrop.records.metrics import RunMetrics
from nightdrop.records.model_call import CallClosed, CallOpened, PastCall, dollars


class CallLog(Protocol):
    """One attempt's calls. `past`: what an earlier process recorded of this attempt. purse: what they count against."""

    run_id: str
    attempt: int
    past: Sequence[PastCall]
    purse: Purse | None

    async def open(self, call: CallOpened, need: Need | None = None) -> int | None:
        """Write that the call is about to be made; returns when that is committed.

        need: reserve so much. Returns the most tokens that the answer may have then. Raises BudgetExceeded.
        """

    async def close(self, call_id: str, end: CallClosed) -> None:
        """Write how it ended; returns when that is committed."""

    async def leave_open(self, call_id: str, outcome: str) -> None:
        """Write how it ended when nobody knows whether it was billed."""


class MemoryLog:
    """The log of a run without a database."""

    purse: Purse | None = None

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.attempt = 1
        self.past: Sequence[PastCall] = ()
        self._opened = 0
        self._closed: list[CallClosed] = []

    async def open(self, call: CallOpened, need: Need | None = None) -> int | None:
        """Count the call."""
        del call, need
        self._opened += 1
        return None

    async def close(self, call_id: str, end: CallClosed) -> None:
        """Keep what it cost."""
        del call_id
        self._closed.append(end)
        self.past = [*self.past, PastCall(outcome=end.outcome, response=end.response, at=end.closed_at)]

    async def leave_open(self, call_id: str, outcome: str) -> None:
        """Note that it failed; nothing more is known of it than that it was made."""
        del call_id
        self.past = [*self.past, PastCall(outcome=outcome, response=None, at=clock.now_ms())]

    def metrics(self, duration: float) -> RunMetrics:
        """Sums over every call."""
        usages, prices = [end.usage for end in self._closed], [end.price for end in self._closed]
        unknown = len(prices) < self._opened or any(price.cost_pico is None for price in prices)
        first = [end.first_token_ms for end in self._closed if end.first_token_ms is not None]
        return RunMetrics(
            input_tokens=sum(u.input_tokens for u in usages),
            output_tokens=sum(u.output_tokens for u in usages),
            cache_read_tokens=sum(u.cache_read_tokens for u in usages),
            cache_write_tokens=sum(u.cache_write_tokens for u in usages),
            reasoning_tokens=sum(u.reasoning_tokens for u in usages),
            cost=None if unknown else dollars(sum(p.cost_pico or 0 for p in prices)),
            cost_source="unknown" if unknown else (prices[-1].source if prices else "prices"),
            model_calls=self._opened,
            duration=duration,
            time_to_first_token=min(first) / 1000 if first else None,
        )
