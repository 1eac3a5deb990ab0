"""What an invoice says, apart from how it looks: parties, items, and the sums that follow from them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A company or person: the name, and the address lines as printed below it."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One position; `rate` is its tax in percent."""

    text: str
    quantity: Decimal
    price: Decimal
    rate: Decimal
    unit: str = ""
    code: str = ""

    @property
    def amount(self) -> Decimal:
        """Quantity times price, in cents."""
        return (self.quantity * self.price).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxShare:
    """The tax of all items of one rate."""

    rate: Decimal
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The data of one invoice or receipt. `paid`: before it was sent; `shows_due`: it states an amount due."""

    number: str
    date: datetime.date
    due_date: datetime.date | None
    currency: str
    seller: Party
    buyer: Party | None
    items: tuple[Item, ...]
    paid: Decimal = Decimal("0.00")
    tax_included: bool = False
    shows_due: bool = True

    @property
    def shares(self) -> tuple[TaxShare, ...]:
        """Net base and tax per rate, the lowest rate first."""
        return tuple(self._share(rate) for rate in sorted({item.rate for item in self.items}))

    @property
    def net(self) -> Decimal:
        """Total without tax."""
        return sum((share.base for share in self.shares), Decimal("0.00"))

    @property
    def tax(self) -> Decimal:
        """Total tax."""
        return sum((share.tax for share in self.shares), Decimal("0.00"))

    @property
    def total(self) -> Decimal:
        """Total with tax."""
        return self.net + self.tax

    @property
    def due(self) -> Decimal:
        """What is still to be paid."""
        return self.total - self.paid

    def expected(self) -> dict[str, str | None]:
        """The header values of `nightdrop.schemas.Invoice` that a reader must find, as JSON."""
        return {
            "invoice_number": self.number,
            "date": self.date.isoformat(),
            "due_date": self.due_date.isoformat() if self.due_date else None,
            "currency": self.currency,
            "seller": self.seller.name,
            "buyer": self.buyer.name if self.buyer else None,
            "net": str(self.net),
            "tax": str(self.tax),
            "total": str(self.total),
            "due": str(self.due) if self.shows_due else None,
        }

    def _share(self, rate: Decimal) -> TaxShare:
        amount = sum((item.amount for item in self.items if item.rate == rate), Decimal("0.00"))
        if self.tax_included:
            base = (amount / (1 + rate / 100)).quantize(CENT, ROUND_HALF_UP)
            return TaxShare(rate=rate, base=base, tax=amount - base)
        return TaxShare(rate=rate, base=amount, tax=(amount * rate / 100).quantize(CENT, ROUND_HALF_UP))


def items(rate: str, rows: Iterable[tuple[str, str, str, str, str]]) -> tuple[Item, ...]:
    """Items of one tax rate from rows of (code, text, quantity, unit, price)."""
    return tuple(
        Item(code=code, text=text, quantity=Decimal(quantity), unit=unit, price=Decimal(price), rate=Decimal(rate))
        for code, text, quantity, unit, price in rows
    )
