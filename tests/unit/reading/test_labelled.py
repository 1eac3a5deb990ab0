"""Labelled forms in several languages: right, or null; never a guess."""

from __future__ import annotations

from typing import Any

import forms
import pytest

from nightdrop.schemas import Invoice

ENGLISH = [
    ((50, "INVOICE"),),
    (),
    ((50, "Bill to"), (350, "Invoice number:"), (460, "INV-2026-014")),
    ((50, "Blue Bottle Ltd"), (350, "Invoice date:"), (460, "3 February 2026")),
    ((50, "1 High Street"), (350, "Due date:"), (460, "5 March 2026")),
    (),
    ((50, "Description"), (300, "Quantity"), (380, "Unit price"), (480, "Amount")),
    ((50, "Green tea, 1 kg"), (300, "4"), (380, "25.00"), (480, "100.00")),
    ((50, "Black tea, 1 kg"), (300, "2"), (380, "15.50"), (480, "31.00")),
    (),
    ((380, "Subtotal"), (480, "131.00")),
    ((380, "VAT 20%"), (480, "26.20")),
    ((380, "Total"), (480, "£157.20")),
    ((380, "Amount due"), (480, "£157.20")),
]
GERMAN = [
    ((50, "Teehaus Grün GmbH - Hauptstr. 1 - 10115 Berlin"),),
    (),
    ((50, "Rechnungsempfänger"),),
    ((50, "Café Blau"),),
    ((50, "Rechnungs-Nr."), (150, "2026/0815")),
    ((50, "Rechnungsdatum"), (150, "01.02.2026")),
    ((50, "Fällig am"), (150, "15.02.2026")),
    (),
    ((50, "Pos."), (90, "Bezeichnung"), (300, "Menge"), (380, "Einzelpreis"), (480, "Gesamtpreis")),
    ((50, "1"), (90, "Grüner Tee"), (300, "10"), (380, "1.100,50 €"), (480, "11.005,00 €")),
    ((380, "Nettobetrag"), (480, "11.005,00 €")),
    ((380, "zzgl. 19 % MwSt."), (480, "2.090,95 €")),
    ((380, "Gesamtbetrag"), (480, "13.095,95 €")),
]
FRENCH = [
    ((50, "Facture n° FA-2026-7 du 1er février 2026"),),
    ((50, "Date d'échéance : 15/02/2026"),),
    ((50, "Facturé à :"),),
    ((50, "Café Bleu SARL"),),
    (),
    ((350, "Total HT"), (450, "1 250,00 €")),
    ((350, "TVA 20 %"), (450, "250,00 €")),
    ((350, "Total TTC"), (450, "1 500,00 €")),
    ((350, "Net à payer"), (450, "1 500,00 €")),
]
DUTCH = [
    ((50, "Factuurnummer: 2026-33"),),
    ((50, "Factuurdatum: 14-02-2026"),),
    ((50, "Vervaldatum: 28-02-2026"),),
    ((350, "Totaal excl. BTW"), (470, "€ 50,00")),
    ((350, "BTW 21%"), (470, "€ 10,50")),
    ((350, "Totaal incl. BTW"), (470, "€ 60,50")),
]
SPANISH = [
    ((50, "Factura nº: F26/101"),),
    ((50, "Fecha de factura: 2 de marzo de 2026"),),
    ((50, "Vencimiento: 31/03/2026"),),
    ((350, "Base imponible"), (470, "200,00 €")),
    ((350, "IVA 21%"), (470, "42,00 €")),
    ((350, "Importe total"), (470, "242,00 €")),
]
ITALIAN = [
    ((50, "Numero fattura"), (200, "Data fattura"), (350, "Data scadenza")),
    ((50, "45/A"), (200, "05/05/2026"), (350, "30/06/2026")),
    (),
    ((350, "Totale imponibile"), (470, "€ 1.000,00")),
    ((350, "IVA 22%"), (470, "€ 220,00")),
    ((350, "Totale fattura"), (470, "€ 1.220,00")),
]


def check(rows: list[Any], **expected: str) -> dict[str, Any]:
    answer = forms.read(forms.pdf(rows), Invoice)
    assert answer["reader"] == "labels"
    found = {key: answer["content"][key] for key in expected}
    assert found == expected
    for path, result in answer["fields"].items():
        assert 0 < result["confidence"] <= 0.85, path
        assert result["page"] == 1
        assert len(result["bbox"]) == 4
        assert result["evidence"]
    for key in set(Invoice.model_fields) - set(expected) - {"lines"}:
        assert answer["content"][key] is None, key
        assert key in answer["missing"]
    Invoice.model_validate(answer["content"])
    return answer


def test_english() -> None:
    answer = check(
        ENGLISH,
        invoice_number="INV-2026-014",
        date="2026-02-03",
        due_date="2026-03-05",
        currency="GBP",
        buyer="Blue Bottle Ltd",
        net="131.00",
        tax="26.20",
        total="157.20",
        due="157.20",
    )
    assert answer["content"]["lines"] == [
        {"description": "Green tea, 1 kg", "quantity": "4", "unit_price": "25.00", "amount": "100.00"},
        {"description": "Black tea, 1 kg", "quantity": "2", "unit_price": "15.50", "amount": "31.00"},
    ]
    assert answer["fields"]["total"]["confidence"] == 0.85  # net and tax confirm it
    assert answer["fields"]["total"]["bbox"][0] == pytest.approx(480, abs=1)
    assert answer["fields"]["lines.1.amount"]["confidence"] >= 0.8  # quantity times price confirms it


def test_german() -> None:
    answer = check(
        GERMAN,
        invoice_number="2026/0815",
        date="2026-02-01",
        due_date="2026-02-15",
        currency="EUR",
        seller="Teehaus Grün GmbH",
        buyer="Café Blau",
        net="11005.00",
        tax="2090.95",
        total="13095.95",
    )
    assert answer["content"]["lines"] == [
        {"description": "Grüner Tee", "quantity": "10", "unit_price": "1100.50", "amount": "11005.00"}
    ]


def test_french() -> None:
    check(
        FRENCH,
        invoice_number="FA-2026-7",
        date="2026-02-01",
        due_date="2026-02-15",
        currency="EUR",
        buyer="Café Bleu SARL",
        net="1250.00",
        tax="250.00",
        total="1500.00",
        due="1500.00",
    )


def test_dutch() -> None:
    check(
        DUTCH,
        invoice_number="2026-33",
        date="2026-02-14",
        due_date="2026-02-28",
        currency="EUR",
        net="50.00",
        tax="10.50",
        total="60.50",
    )


def test_spanish() -> None:
    check(
        SPANISH,
        invoice_number="F26/101",
        date="2026-03-02",
        due_date="2026-03-31",
        currency="EUR",
        net="200.00",
        tax="42.00",
        total="242.00",
    )


def test_italian_values_below_their_labels() -> None:
    check(
        ITALIAN,
        invoice_number="45/A",
        date="2026-05-05",
        due_date="2026-06-30",
        currency="EUR",
        net="1000.00",
        tax="220.00",
        total="1220.00",
    )


def test_what_is_not_there_is_null_and_missing() -> None:
    answer = check([((50, "Dear reader, this letter has nothing of an invoice. Yours, 4711."),)])
    assert answer["fields"] == {}
    assert answer["content"]["lines"] == []
    assert "lines" in answer["missing"]


def test_a_date_with_two_readings_is_not_sure() -> None:
    answer = forms.read(forms.pdf([((50, "Invoice date: 03/04/2026"),)]), Invoice)
    assert answer["content"]["date"] is None


def test_two_different_values_are_no_value() -> None:
    rows = [((50, "Invoice number: A-1"),), ((50, "Invoice number: B-2"),)]
    assert forms.read(forms.pdf(rows), Invoice)["content"]["invoice_number"] is None


def test_amounts_that_never_add_up_are_not_sure() -> None:
    rows = [((50, "Net total"), (200, "10.00")), ((50, "VAT"), (200, "1.00")), ((50, "Grand total"), (200, "99.00"))]
    fields = forms.read(forms.pdf(rows), Invoice)["fields"]
    assert all(result["confidence"] < 0.8 for result in fields.values())


def test_other_numbers_are_not_the_invoice_number() -> None:
    rows = [((50, "Order number: 1234"),), ((50, "Customer number: 5678"),), ((50, "Invoice date: 1 May 2026"),)]
    check(rows, date="2026-05-01")


def test_order_date_is_not_the_invoice_date() -> None:
    check([((50, "Order date: 1 May 2026"),), ((50, "Delivery date: 2 May 2026"),)])
