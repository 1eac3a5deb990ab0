"""Structured invoices are read exactly, into Invoice and into anybody's own schema."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import forms
import pytest
from pydantic import BaseModel, ConfigDict, Field

from nightdrop.errors import NoText
from nightdrop.schemas import Invoice

XML = "application/xml"


def test_cii_on_its_own() -> None:
    answer = forms.read(forms.CII.encode(), Invoice, XML)
    assert answer["reader"] == "einvoice"
    assert answer["missing"] == []
    invoice = Invoice.model_validate(answer["content"])
    assert invoice == Invoice.model_validate(
        {
            "invoice_number": "R-77/2026",
            "date": "2026-01-31",
            "due_date": "2026-02-14",
            "currency": "EUR",
            "seller": "Teehaus Grün GmbH",
            "buyer": "Café Blau",
            "net": "100.00",
            "tax": "19.00",
            "total": "119.00",
            "due": "119.00",
            "lines": [{"description": "Tee", "quantity": "40", "unit_price": "2.50", "amount": "100.00"}],
        }
    )
    total = answer["fields"]["total"]
    assert total["confidence"] >= 0.99
    assert total["value"] == "119.00"
    assert total["evidence"].endswith("/ram:GrandTotalAmount")
    assert "lines.0.unit_price" in answer["fields"]


def test_ubl() -> None:
    answer = forms.read(forms.UBL.encode(), Invoice, XML)
    invoice = Invoice.model_validate(answer["content"])
    assert (invoice.invoice_number, invoice.seller, invoice.buyer) == ("UBL-9", "Säljare AB", "Köpare AB")
    assert (invoice.net, invoice.tax, invoice.total, invoice.due) == (100, 25, 125, 125)
    assert invoice.due_date == date(2026, 3, 1)
    assert invoice.lines[0].description == "Lampa"


def test_embedded_values_are_placed_on_the_page() -> None:
    page = forms.pdf([((50, "Rechnung R-77/2026 vom 31. Januar 2026"),), ((50, "Summe"), (300, "119,00 €"))])
    answer = forms.read(forms.with_xml(page, forms.CII), Invoice)
    total, number = answer["fields"]["total"], answer["fields"]["invoice_number"]
    assert answer["reader"] == "einvoice"
    assert total["page"] == 1
    assert total["bbox"][0] == pytest.approx(300, abs=2)
    assert number["bbox"][0] == pytest.approx(97, abs=4)
    assert answer["fields"]["date"]["page"] == 1
    assert answer["fields"]["seller"]["page"] is None  # not printed


class Party(BaseModel):
    name: str
    vat_id: str | None


class Position(BaseModel):
    sku: str | None
    name: str
    qty: float
    uom: str | None
    price: Decimal
    tax_rate: int | None
    total: Decimal


class Totals(BaseModel):
    subtotal: float
    vat: float
    grand_total: float


class Own(BaseModel):
    """Nothing is called as in nightdrop.schemas."""

    model_config = ConfigDict(populate_by_name=True)

    invoice_no: str = Field(alias="invoiceNo")
    issue_date: date
    ref: date | None = Field(None, title="Due date")
    vendor: Party
    customer: Party | None
    currency: Literal["EUR", "USD"]
    totals: Totals
    positions: list[Position]
    favourite_colour: str | None = None


def test_an_own_schema_is_filled_by_its_names() -> None:
    answer = forms.read(forms.CII.encode(), Own, XML)
    own = Own.model_validate(answer["content"])
    assert own.invoice_no == "R-77/2026"
    assert (own.issue_date, own.ref) == (date(2026, 1, 31), date(2026, 2, 14))
    assert own.vendor == Party(name="Teehaus Grün GmbH", vat_id="DE123456789")
    assert own.customer == Party(name="Café Blau", vat_id=None)
    assert own.totals == Totals(subtotal=100.0, vat=19.0, grand_total=119.0)
    assert own.positions == [
        Position(sku="T-1", name="Tee", qty=40, uom="KGM", price=Decimal("2.50"), tax_rate=19, total=Decimal(100))
    ]
    assert answer["missing"] == ["customer.vat_id", "favourite_colour"]
    assert set(answer["fields"]) >= {"invoiceNo", "vendor.name", "totals.vat", "positions.0.price"}


def test_a_plain_json_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "invoiceNumber": {"type": ["string", "null"]},
            "total_amount": {"type": "number"},
            "items": {"type": "array", "items": {"type": "object", "properties": {"description": {"type": "string"}}}},
        },
    }
    answer = forms.read(forms.CII.encode(), schema, XML)
    assert answer["content"] == {
        "invoiceNumber": "R-77/2026",
        "total_amount": 119.0,
        "items": [{"description": "Tee"}],
    }


def test_an_enum_without_the_value_stays_null() -> None:
    schema = {"type": "object", "properties": {"currency": {"enum": ["USD", "GBP"]}, "total": {"type": "number"}}}
    answer = forms.read(forms.CII.encode(), schema, XML)
    assert answer["content"]["currency"] is None
    assert answer["missing"] == ["currency"]


def test_entities_are_never_resolved(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("secret") / "secret.txt"
    secret.write_text("SECRET")
    xml = forms.UBL.replace("<Invoice ", f'<!DOCTYPE r [<!ENTITY x SYSTEM "{secret.as_uri()}">]>\n<Invoice ', 1)
    xml = xml.replace("UBL-9", "&x;")
    answer = forms.read(xml.encode(), Invoice, XML)
    assert "SECRET" not in str(answer)
    assert answer["content"]["invoice_number"] is None


def test_an_entity_bomb_is_not_expanded() -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "x" * 10}">' for n in range(12))
    xml = forms.UBL.replace("<Invoice ", f"<!DOCTYPE r [{entities}]>\n<Invoice ", 1).replace("UBL-9", "&a11;")
    with pytest.raises(NoText):  # the parser refuses it, and as text there is nothing in it
        forms.read(xml.encode(), Invoice, XML)


def test_broken_or_foreign_xml_in_a_pdf_is_ignored() -> None:
    page = forms.pdf([((50, "Invoice number: A-100"),)])
    for xml in ("<broken", "<Order><ID>no</ID></Order>"):
        answer = forms.read(forms.with_xml(page, xml), Invoice)
        assert answer["reader"] == "labels"
        assert answer["content"]["invoice_number"] == "A-100"
