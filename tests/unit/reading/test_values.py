"""Numbers and dates as documents print them; schema fields as concepts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from nightdrop.errors import SchemaTooFree
from nightdrop.reading.concepts import concept_of, is_lines, line_concept_of
from nightdrop.reading.dates import dates_in, parse_date
from nightdrop.reading.numbers import amounts_in, currency_of, parse_number
from nightdrop.reading.shape import Field, Kind, shape_of
from nightdrop.schemas import Invoice


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("1'234.56", "1234.56"),
        ("1’234.56", "1234.56"),
        ("1.234.567,89", "1234567.89"),
        ("12,34,567.89", None),  # Indian grouping is not understood, so not read at all
        ("0,5", "0.5"),
        ("1.000", "1000"),
        ("0.125", "0.125"),
        ("1234.5678", "1234.5678"),
        ("-8,79", "-8.79"),
        ("−8.79", "-8.79"),
        ("8,79-", "-8.79"),
        ("€ -9,32", "-9.32"),
        ("€ 399,00", "399.00"),
        ("399,00 €", "399.00"),
        ("$4.11", "4.11"),
        ("EUR 12", "12"),
        ("19 %", "19"),
        ("Rs. 40.00", "40.00"),
        ("12.03.2026", None),
        ("4711-3", None),
        ("A47", None),
        ("", None),
        ("two 2", None),
    ],
)
def test_numbers(text: str, value: str | None) -> None:
    assert parse_number(text) == (None if value is None else Decimal(value))


def test_numbers_in_a_line_keep_their_signs() -> None:
    found = list(amounts_in("VAT 19 % of 129.37 is 24.58 EUR, ref 12/7, 12:30"))
    assert [(str(a.value), a.sign, a.is_rate) for a in found] == [
        ("19", None, True),
        ("129.37", None, False),
        ("24.58", "EUR", False),
    ]


@pytest.mark.parametrize(("sign", "code"), [("€", "EUR"), ("$", None), ("US$", "USD"), ("CHF", "CHF"), ("Rs.", None)])
def test_a_shared_sign_is_no_currency(sign: str, code: str | None) -> None:
    assert currency_of(sign) == code


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-31", date(2026, 1, 31)),
        ("2026-01-31T10:00:00Z", date(2026, 1, 31)),
        ("31.01.2026", date(2026, 1, 31)),
        ("1.2.26", date(2026, 2, 1)),
        ("31/01/2026", date(2026, 1, 31)),
        ("01/31/2026", date(2026, 1, 31)),
        ("05/05/2026", date(2026, 5, 5)),
        ("7. Mai 2014", date(2014, 5, 7)),
        ("August 3 , 2014", date(2014, 8, 3)),
        ("3rd August 2014", date(2014, 8, 3)),
        ("02 Juillet 2015", date(2015, 7, 2)),
        ("1er août 2015", date(2015, 8, 1)),
        ("19 april 2014", date(2014, 4, 19)),
        ("1 de julio de 2015", date(2015, 7, 1)),
        ("3 marzo 2020", date(2020, 3, 3)),
        ("03-Aug-2014", date(2014, 8, 3)),
        ("12. März 2026", date(2026, 3, 12)),
        ("03/04/2026", None),  # two readings
        ("31.02.2026", None),
        ("2026-13-01", None),
        ("version 1.2.3.4", None),
        ("tomorrow", None),
    ],
)
def test_dates(text: str, day: date | None) -> None:
    assert parse_date(text) == day


def test_a_date_with_two_readings_says_so() -> None:
    found = next(dates_in("on 03/04/2026"))
    assert (found.value, found.other) == (date(2026, 4, 3), date(2026, 3, 4))


def field(name: str, kind: Kind = Kind.TEXT, description: str = "") -> Field:
    return Field(key=name, kind=kind, names=(name,), description=description)


@pytest.mark.parametrize(
    ("name", "kind", "parent", "concept"),
    [
        ("invoice_no", Kind.TEXT, "", "invoice_number"),
        ("invoiceNumber", Kind.TEXT, "", "invoice_number"),
        ("invoicenumber", Kind.TEXT, "", "invoice_number"),
        ("number", Kind.TEXT, "", "invoice_number"),
        ("Rechnungsnummer", Kind.TEXT, "", "invoice_number"),
        ("issue_date", Kind.DATE, "", "date"),
        ("dueDate", Kind.DATE, "", "due_date"),
        ("vendor", Kind.TEXT, "", "seller"),
        ("supplier_name", Kind.TEXT, "", "seller"),
        ("customer", Kind.TEXT, "", "buyer"),
        ("name", Kind.TEXT, "seller", "seller"),
        ("name", Kind.TEXT, "order.customer", "buyer"),
        ("vat_id", Kind.TEXT, "vendor", "seller_vat_id"),
        ("number", Kind.TEXT, "order", "order_number"),
        ("date", Kind.DATE, "invoice", "date"),
        ("grand_total", Kind.DECIMAL, "", "total"),
        ("total_amount", Kind.FLOAT, "", "total"),
        ("subtotal", Kind.FLOAT, "totals", "net"),
        ("vat", Kind.DECIMAL, "", "tax"),
        ("vat", Kind.TEXT, "", "seller_vat_id"),
        ("amount_due", Kind.DECIMAL, "", "due"),
        ("currency_code", Kind.TEXT, "", "currency"),
        ("birthday", Kind.DATE, "", None),
        ("number", Kind.DATE, "", None),
        ("city", Kind.TEXT, "seller", None),
    ],
)
def test_fields_mean_concepts(name: str, kind: Kind, parent: str, concept: str | None) -> None:
    found = concept_of(field(name, kind), parent)
    assert (None if found is None else found.key) == concept


def test_a_short_description_can_name_the_field() -> None:
    found = concept_of(field("ref1", description="The number of the invoice"))
    assert found is None
    found = concept_of(field("ref1", description="Invoice number"))
    assert found is not None
    assert found.key == "invoice_number"


def test_lines_and_their_columns() -> None:
    shape = {f.key: f for f in shape_of(Invoice.model_json_schema())}
    lines = shape["lines"]
    assert is_lines(lines)
    assert lines.item is not None
    assert [c.key for child in lines.item.children if (c := line_concept_of(child))] == [
        "description",
        "quantity",
        "unit_price",
        "amount",
    ]
    assert not is_lines(shape["seller"])


def test_shapes_of_pydantic_fields() -> None:
    shape = {f.key: (f.kind, f.nullable) for f in shape_of(Invoice.model_json_schema())}
    assert shape["date"] == (Kind.DATE, True)
    assert shape["total"] == (Kind.DECIMAL, True)
    assert shape["lines"] == (Kind.LIST, False)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "object"},
        {"type": "array", "items": {"type": "string"}},
        {},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
    ],
)
def test_a_schema_without_fields_needs_a_model(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaTooFree):
        shape_of(schema)


def test_recursive_schemas_end() -> None:
    node = {"type": "object", "properties": {"name": {"type": "string"}, "child": {"$ref": "#/$defs/N"}}}
    assert [f.key for f in shape_of({"$ref": "#/$defs/N", "$defs": {"N": node}})] == ["name", "child"]
