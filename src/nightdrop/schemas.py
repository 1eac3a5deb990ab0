"""Output schemas for documents that everyone has."""

from __future__ import annotations

import datetime
from decimal import Decimal

from pydantic import BaseModel, Field


class InvoiceLine(BaseModel):
    """One position of an invoice."""

    description: str | None = Field(None, description="What was delivered or done")
    quantity: Decimal | None = Field(None, description="How many units")
    unit_price: Decimal | None = Field(None, description="Net price of one unit")
    amount: Decimal | None = Field(None, description="Net amount of the line")


class Invoice(BaseModel):
    """An invoice, credit note or receipt; names as written, money as decimals (strings in JSON)."""

    invoice_number: str | None = Field(None, description="Invoice number")
    date: datetime.date | None = Field(None, description="Invoice date")
    due_date: datetime.date | None = Field(None, description="Date by which it has to be paid")
    currency: str | None = Field(None, description="ISO 4217 code of the currency, such as EUR")
    seller: str | None = Field(None, description="Name of the seller, as written")
    buyer: str | None = Field(None, description="Name of the buyer, as written")
    net: Decimal | None = Field(None, description="Total without tax")
    tax: Decimal | None = Field(None, description="Total tax")
    total: Decimal | None = Field(None, description="Total with tax")
    due: Decimal | None = Field(None, description="Amount due for payment")
    lines: list[InvoiceLine] = Field(default_factory=list, description="Positions of the invoice")
