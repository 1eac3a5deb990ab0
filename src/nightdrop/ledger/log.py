"""The call log: where a call is written before it is made and after it has ended. Durable, or in memory without db."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from nightdrop import clock
from nightdrop.records.budget import Need, Purse
from nightdrop.records.metrics import RunMetrics
from nightdrop.records.model_call import CallClosed, CallOpened, PastCall, dollars


class CallLog(Protocol):
    """One attempt's calls. `past`: what an earlier process recorded of this attempt. purse: what they count against.
    step, step_try: of a workflow's step, whose calls these are."""

    run_id: str
    attempt: int
    step: str
    step_try: int
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

    def __init__(self, run_id: str, step: str = "", step_try: int = 1) -> None:
        self.run_id = run_id
        self.step = step
        self.step_try = step_try
        self.attempt = 1
        self.past: Sequence[PastCall] = ()
        self.opened = 0
        self.closed: list[CallClosed] = []

    async def open(self, call: CallOpened, need: Need | None = None) -> int | None:
        """Count the call."""
        del call, need
        self.opened += 1
        return None

    async def close(self, call_id: str, end: CallClosed) -> None:
        """Keep what it cost."""
        del call_id
        self.closed.append(end)
        self.past = [*self.past, PastCall(outcome=end.outcome, response=end.response, at=end.closed_at)]

    async def leave_open(self, call_id: str, outcome: str) -> None:
        """Note that it failed; nothing more is known of it than that it was made."""
        del call_id
        self.past = [*self.past, PastCall(outcome=outcome, response=None, at=clock.now_ms())]

    def metrics(self, duration: float) -> RunMetrics:
        """Sums over every call."""
        return metrics_of_logs([self], duration)


def metrics_of_logs(logs: Sequence[MemoryLog], duration: float) -> RunMetrics:
    """Sums over every call of these logs."""
    ends = [end for log in logs for end in log.closed]
    opened = sum(log.opened for log in logs)
    usages, prices = [end.usage for end in ends], [end.price for end in ends]
    unknown = len(prices) < opened or any(price.cost_pico is None for price in prices)
    first = [end.first_token_ms for end in ends if end.first_token_ms is not None]
    return RunMetrics(
        input_tokens=sum(u.input_tokens for u in usages),
        output_tokens=sum(u.output_tokens for u in usages),
        cache_read_tokens=sum(u.cache_read_tokens for u in usages),
        cache_write_tokens=sum(u.cache_write_tokens for u in usages),
        reasoning_tokens=sum(u.reasoning_tokens for u in usages),
        cost=None if unknown else dollars(sum(p.cost_pico or 0 for p in prices)),
        cost_source="unknown" if unknown else (prices[-1].source if prices else "prices"),
        model_calls=opened,
        duration=duration,
        time_to_first_token=min(first) / 1000 if first else None,
    )
