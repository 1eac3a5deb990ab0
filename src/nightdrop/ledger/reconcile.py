"""The ledger held against a provider's bill, line by line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from nightdrop.ledger.bill import Bill, model_name
from nightdrop.records.cost import LedgerCall
from nightdrop.records.model_call import dollars_text

Kind = Literal[
    "missing_in_ledger", "missing_in_bill", "amount", "price_unknown", "open_billed", "open_unbilled", "open_unproven"
]
EXPLAINED: frozenset[Kind] = frozenset({"open_billed", "open_unbilled"})
"""Open calls that the bill settles: the ledger said that they were possibly billed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where bill and ledger say different things. key: a call id, or `day model`. Amounts: US dollars, None: unsaid."""

    kind: Kind
    key: str
    bill: Decimal | None
    ledger: Decimal | None

    def to_json(self) -> dict[str, Any]:
        """The plain form, money as text."""
        return {"kind": self.kind, "key": self.key, "bill": _text(self.bill), "ledger": _text(self.ledger)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Every difference, and the sums of both sides in US dollars (the ledger's over calls with a known price)."""

    differences: tuple[Difference, ...]
    bill: Decimal
    ledger: Decimal

    @property
    def explained(self) -> bool:
        """Whether every cent of the bill is a call that the ledger has, at its price or possibly billed."""
        return all(difference.kind in EXPLAINED for difference in self.differences)

    def to_json(self) -> dict[str, Any]:
        """The plain form, money as text."""
        items = [difference.to_json() for difference in self.differences]
        sums = {"bill": dollars_text(self.bill), "ledger": dollars_text(self.ledger)}
        return {"items": items, "total": sums, "explained": self.explained}


def reconcile(bill: Bill, calls: Iterable[LedgerCall], tolerance: Decimal) -> Reconciliation:
    """Compare. Lines with an id are held against that call, lines without against the sum of their day and model.

    tolerance: US dollars that one call, or one day and model, may differ by. A bill has ids on all lines or on none:
    with any id, every line without one is missing in the ledger.
    """
    by_call = bill.by_call
    billed: dict[str, Decimal] = defaultdict(Decimal)
    for line in bill.lines:
        billed[(line.id or "(no id)") if by_call else f"{line.day} {model_name(line.model)}"] += line.cost
    known: dict[str, list[LedgerCall]] = defaultdict(list)
    for call in calls:
        known[call.call_id if by_call else f"{call.opened_at:%Y-%m-%d} {model_name(call.model)}"].append(call)
    found = [
        difference
        for key in sorted({*billed, *known})
        if (difference := _compare(key, billed.get(key), known.get(key, []), tolerance, by_call)) is not None
    ]
    ledger = sum((call.cost or Decimal(0) for group in known.values() for call in group), Decimal(0))
    return Reconciliation(differences=tuple(found), bill=sum(billed.values(), Decimal(0)), ledger=ledger)


def _compare(
    key: str, bill: Decimal | None, calls: list[LedgerCall], tolerance: Decimal, by_call: bool
) -> Difference | None:
    ledger = sum((call.cost or Decimal(0) for call in calls), Decimal(0))
    kind = _kind(bill, calls, abs((bill or Decimal(0)) - ledger) <= tolerance, by_call)
    if kind is None:
        return None
    unsaid = not calls or kind in ("open_billed", "open_unbilled", "price_unknown")
    return Difference(kind=kind, key=key, bill=bill, ledger=None if unsaid else ledger)


def _kind(bill: Decimal | None, calls: list[LedgerCall], same: bool, by_call: bool) -> Kind | None:
    if not calls:
        return "missing_in_ledger"
    if any(call.closed_at is None for call in calls):
        if by_call:
            return "open_billed" if bill else "open_unbilled"
        return None if same else "open_unproven"
    if any(call.cost is None for call in calls):
        return "price_unknown"
    if same:
        return None
    return "missing_in_bill" if bill is None else "amount"


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else dollars_text(amount)
