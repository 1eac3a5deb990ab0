"""Office files are read by their labels like any text: tables are tables, formats give the currency."""

from __future__ import annotations

import datetime
import io
from decimal import Decimal

import docx
import forms
import openpyxl
import pptx
import pytest

from nightdrop.errors import NoText
from nightdrop.schemas import Invoice

_KIND = "application/vnd.openxmlformats-officedocument."
DOCX = _KIND + "wordprocessingml.document"
XLSX = _KIND + "spreadsheetml.sheet"
PPTX = _KIND + "presentationml.presentation"


def read(document: object, mime_type: str) -> Invoice:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    answer = forms.read(out.getvalue(), Invoice, mime_type)
    assert answer["reader"] == "labels"
    assert all(field["bbox"] is None for field in answer["fields"].values())
    return Invoice.model_validate(answer["content"])


def test_a_word_invoice() -> None:
    document = docx.Document()
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text = "Tea House Ltd\n1 High Street"
    table.cell(0, 1).text = "Invoice number:\tW-100\nDate:\t31 January 2026"
    document.add_paragraph("Bill to:\tBlue Cafe Ltd")
    rows = [
        ["Description", "Quantity", "Unit price", "Amount"],
        ["Green tea", "2", "1.50", "3.00"],
        ["Rice", "1", "4.00", "4.00"],
    ]
    lines = document.add_table(rows=3, cols=4)
    for row, texts in zip(lines.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    for text in ("Net:\t7.00 GBP", "VAT 20%:\t1.40 GBP", "Total:\t8.40 GBP"):
        document.add_paragraph(text)
    invoice = read(document, DOCX)
    assert (invoice.invoice_number, invoice.date, invoice.buyer) == (
        "W-100",
        datetime.date(2026, 1, 31),
        "Blue Cafe Ltd",
    )
    assert (invoice.net, invoice.tax, invoice.total) == (Decimal("7.00"), Decimal("1.40"), Decimal("8.40"))
    assert [(line.description, line.quantity, line.amount) for line in invoice.lines] == [
        ("Green tea", Decimal(2), Decimal("3.00")),
        ("Rice", Decimal(1), Decimal("4.00")),
    ]


def test_a_workbook_whose_currency_is_in_its_formats() -> None:
    book = openpyxl.Workbook()
    page = book.active
    for row in (
        ["Rechnung"],
        ["Rechnungsnummer", None, "X-5"],
        ["Rechnungsdatum", None, datetime.date(2026, 1, 31)],
        ["Beschreibung", "Menge", "Einzelpreis", "Betrag"],
        ["Tee", 2, 1.5, 3],
        ["Reis", 1, 4, 4],
        ["Netto", None, None, 7],
        ["MwSt. 19%", None, None, 1.33],
        ["Gesamtbetrag", None, None, 8.33],
    ):
        page.append(row)
    for number in range(5, 10):
        for column in "CD":
            page[f"{column}{number}"].number_format = '#,##0.00 "€"'
    invoice = read(book, XLSX)
    assert (invoice.invoice_number, invoice.date, invoice.currency) == ("X-5", datetime.date(2026, 1, 31), "EUR")
    assert (invoice.net, invoice.tax, invoice.total) == (Decimal(7), Decimal("1.33"), Decimal("8.33"))
    assert [line.amount for line in invoice.lines] == [Decimal(3), Decimal(4)]


def test_a_slide() -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Offer"
    slide.placeholders[1].text = "Invoice number: P-9\nTotal: 10.00 EUR"
    invoice = read(deck, PPTX)
    assert (invoice.invoice_number, invoice.total, invoice.currency) == ("P-9", Decimal("10.00"), "EUR")


def test_an_empty_office_file_is_not_called_a_scan() -> None:
    with pytest.raises(NoText, match="no text that can be read"):
        read(docx.Document(), DOCX)
