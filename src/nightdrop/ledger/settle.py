"""What a provider's bill says of calls that were possibly billed, so that they can be closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from nightdrop.ledger.bill import Bill, model_name
from nightdrop.records.budget import pico_of
from nightdrop.records.cost import LedgerCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Calls opened in it are on the bill, or were not billed."""

    since: datetime
    until: datetime

    @classmethod
    def of(cls, bill: Bill, since: datetime | None, until: datetime | None) -> Period | None:
        """What was said, else the bill's days; None when nobody knows."""
        if bill.days is not None:
            first, last = (datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) for day in bill.days)
            since, until = since or first, until or last + timedelta(days=1)
        return None if since is None or until is None else cls(since=since, until=until)

    def has(self, call: LedgerCall) -> bool:
        """Whether the call was opened in it."""
        return self.since <= call.opened_at < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An open call, and what it cost in pico-dollars by the bill."""

    call_id: str
    cost_pico: int


def settle(bill: Bill, calls: Iterable[LedgerCall], period: Period, *, over_by: datetime) -> list[Settled]:
    """Open calls that the bill decides. over_by: calls opened later may be under way and are left alone.

    With ids a call costs what its line says, and nothing without a line. Without, the open calls of a day and model
    share evenly what the bill has beyond the closed ones; where it has less, or a price is unknown, nothing is settled.
    """
    calls = [call for call in calls if period.has(call)]
    if bill.by_call:
        billed: dict[str, Decimal] = defaultdict(Decimal)
        for line in bill.lines:
            billed[line.id or ""] += line.cost
        still_open = (call for call in calls if call.closed_at is None and call.opened_at < over_by)
        return [Settled(call_id=call.call_id, cost_pico=pico_of(billed[call.call_id])) for call in still_open]
    groups: dict[tuple[str, str], list[LedgerCall]] = defaultdict(list)
    for call in calls:
        groups[f"{call.opened_at:%Y-%m-%d}", model_name(call.model)].append(call)
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in bill.lines:
        sums[line.day, model_name(line.model)] += line.cost
    return [settled for key, group in groups.items() for settled in _shared(group, sums[key], over_by)]


def _shared(group: list[LedgerCall], billed: Decimal, over_by: datetime) -> list[Settled]:
    still_open = [call for call in group if call.closed_at is None]
    closed = [call.cost for call in group if call.closed_at is not None]
    left = pico_of(billed) - sum(pico_of(cost) for cost in closed if cost is not None)
    if not still_open or None in closed or left < 0 or any(call.opened_at >= over_by for call in still_open):
        return []
    share, extra = divmod(left, len(still_open))
    return [
        Settled(call_id=call.call_id, cost_pico=share + (extra if number == 0 else 0))
        for number, call in enumerate(still_open)
    ]
