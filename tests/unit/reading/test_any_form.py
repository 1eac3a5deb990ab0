"""Forms of any kind, text without boxes, refusals, and the doubts the reader has to have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import forms
import pytest
from pydantic import BaseModel

from nightdrop.errors import NoText, SchemaTooFree
from nightdrop.schemas import Invoice


class Permit(BaseModel):
    """Not an invoice at all: only the schema's own words can help."""

    permit_holder: str | None
    licence_plate: str | None
    valid_until: date | None
    fee: Decimal | None
    axles: int | None
    hazardous: bool | None


def test_a_form_of_any_kind_is_read_by_the_schemas_own_words() -> None:
    rows = [
        ((50, "Permit holder:"), (200, "Jane Doe")),
        ((50, "Licence plate: B-ND 2026"),),
        ((50, "Valid until"), (200, "31 December 2027")),
        ((50, "Fee"), (200, "12.50")),
        ((50, "Axles"), (200, "3")),
    ]
    answer = forms.read(forms.pdf(rows), Permit)
    assert Permit.model_validate(answer["content"]) == Permit(
        permit_holder="Jane Doe",
        licence_plate="B-ND 2026",
        valid_until=date(2027, 12, 31),
        fee=Decimal("12.50"),
        axles=3,
        hazardous=None,
    )
    assert answer["missing"] == ["hazardous"]


def test_plain_text_has_no_boxes() -> None:
    answer = forms.read(b"Invoice number: T-9\nTotal: 10.00 EUR\n", Invoice, "text/plain")
    result = answer["fields"]["invoice_number"]
    assert (result["value"], result["page"], result["bbox"]) == ("T-9", 1, None)
    assert answer["content"]["currency"] == "EUR"


def test_html_mail_and_csv() -> None:
    html = b"<html><body><table><tr><td>Invoice number</td><td>H-1</td></tr></table></body></html>"
    assert forms.read(html, Invoice, "text/html")["content"]["invoice_number"] == "H-1"
    csv = b"description,quantity,unit price,amount\nTea,2,1.50,3.00\nRice,1,4.00,4.00\n"
    lines = forms.read(csv, Invoice, "text/csv")["content"]["lines"]
    assert [line["amount"] for line in lines] == ["3.00", "4.00"]


@pytest.mark.parametrize("mime_type", ["image/png", "image/jpeg", "image/tiff"])
def test_images_have_no_text(mime_type: str) -> None:
    with pytest.raises(NoText, match="Configure a model"):
        forms.read(b"\x89PNG", Invoice, mime_type)


def test_a_scan_has_no_text() -> None:
    with pytest.raises(NoText):
        forms.read(forms.pdf([()]), Invoice)


def test_prose_needs_a_model() -> None:
    class Summary(BaseModel):
        summary: str
        key_points: list[str]

    with pytest.raises(SchemaTooFree, match="summary"):
        forms.read(forms.pdf([((50, "A long text."),)]), Summary)


def test_prose_beside_values_is_only_missing() -> None:
    class Mixed(BaseModel):
        summary: str | None
        invoice_number: str | None

    answer = forms.read(forms.pdf([((50, "Invoice number: A-100"),)]), Mixed)
    assert answer["content"] == {"summary": None, "invoice_number": "A-100"}
    assert answer["missing"] == ["summary"]


def test_defaults_are_not_filled_in() -> None:
    class Preset(BaseModel):
        currency: str = "EUR"
        invoice_number: str | None = "unknown"

    answer = forms.read(forms.pdf([((50, "Hello"),)]), Preset)
    assert answer["content"] == {"currency": None, "invoice_number": None}


def test_the_sums_of_one_tax_rate_are_not_surely_the_invoices() -> None:
    rows = [
        ((50, "Net total"), (200, "100.00")),
        ((50, "VAT 19%"), (200, "19.00")),
        ((50, "Gross total"), (200, "119.00")),
        ((50, "Net total"), (200, "50.00")),
        ((50, "VAT 7%"), (200, "3.50")),
        ((50, "Gross total"), (200, "53.50")),
        ((50, "Grand total"), (200, "172.50")),
    ]
    fields = forms.read(forms.pdf(rows), Invoice)["fields"]
    assert all(result["confidence"] < 0.8 for result in fields.values())


def test_two_tax_rates_with_a_sum_row() -> None:
    rows = [
        ((100, "Net amount"), (250, "VAT"), (400, "Gross total")),
        ((100, "100.00"), (250, "19.00"), (400, "119.00")),
        ((100, "50.00"), (250, "3.50"), (400, "53.50")),
        ((100, "150.00"), (250, "22.50"), (400, "172.50")),
    ]
    content = forms.read(forms.pdf(rows), Invoice)["content"]
    assert (content["net"], content["tax"], content["total"]) == ("150.00", "22.50", "172.50")


def test_other_dates_tell_which_way_to_read_one() -> None:
    rows = [((50, "Invoice date: 03/04/2026"),), ((50, "Due date: 30/04/2026"),)]
    assert forms.read(forms.pdf(rows), Invoice)["content"]["date"] == "2026-04-03"
    rows = [((50, "Invoice date: 03/04/2026"),), ((50, "Due date: 04/30/2026"),)]
    assert forms.read(forms.pdf(rows), Invoice)["content"]["date"] == "2026-03-04"


def test_a_remark_about_tax_is_not_its_label() -> None:
    rows = [((50, "Total amount (incl. VAT)"), (300, "119.00")), ((50, "All prices excl. VAT 12.00"),)]
    content = forms.read(forms.pdf(rows), Invoice)["content"]
    assert (content["total"], content["tax"]) == ("119.00", None)


def test_a_text_file_without_text_is_not_called_a_scan() -> None:
    with pytest.raises(NoText, match="no text that can be read"):
        forms.read(b" \n ", Invoice, "text/plain")
