"""Where a value stands: the guard against values that are not in the document."""

from __future__ import annotations

from typing import Any

import forms
import pytest

from nightdrop.documents.pages import read_pages
from nightdrop.reading.locate import Locator, locate
from nightdrop.reading.shape import Kind
from nightdrop.records import DocumentText

ROWS = [
    ((50, "Teehaus Grün"),),
    ((50, "GmbH"),),
    ((50, "Invoice No. 4711-A"), (300, "31. Januar 2026")),
    ((50, "Total"), (300, "1.234,50 €")),
    ((50, "Total again"), (300, "1.234,50 €")),
    ((50, "On 03/04/2026"), (300, "14711-A")),
]


@pytest.fixture(scope="module")
def text() -> DocumentText:
    return read_pages(forms.pdf(ROWS), "application/pdf")


@pytest.mark.parametrize(
    ("value", "kind", "match", "evidence"),
    [
        ("1234.50", Kind.DECIMAL, "exact", "1.234,50 €"),
        (1234.5, Kind.FLOAT, "exact", "1.234,50 €"),
        ("2026-01-31", Kind.DATE, "exact", "31. Januar 2026"),
        ("2026-01-31T00:00:00", Kind.DATETIME, "exact", "31. Januar 2026"),
        ("2026-03-04", Kind.DATE, "exact", "03/04/2026"),
        ("2026-04-03", Kind.DATE, "exact", "03/04/2026"),
        ("4711-A", Kind.TEXT, "exact", "4711-A"),
        ("Invoice No.", Kind.TEXT, "exact", "Invoice No."),
        ("invoice no", Kind.TEXT, "near", "Invoice No"),
        ("Teehaus Gruen", Kind.TEXT, None, None),
        ("TEEHAUS GRUN", Kind.TEXT, "near", "Teehaus Grün"),
        ("Teehaus Grün GmbH", Kind.TEXT, "near", "Teehaus Grün\nGmbH"),
        ("EUR", Kind.TEXT, "near", "1.234,50 €"),
        ("2026-01-31", Kind.TEXT, "exact", "31. Januar 2026"),
        ("1234.51", Kind.DECIMAL, None, None),
        ("234.50", Kind.DECIMAL, None, None),
        ("2026-02-01", Kind.DATE, None, None),
        ("711-A", Kind.TEXT, None, None),
        ("4711", Kind.TEXT, "exact", "4711"),
        ("USD", Kind.TEXT, None, None),
        ("", Kind.TEXT, None, None),
        ("-", Kind.TEXT, None, None),
        (None, Kind.TEXT, None, None),
        (True, Kind.BOOLEAN, None, None),
        ("nonsense", Kind.DATE, None, None),
        ("nonsense", Kind.DECIMAL, None, None),
    ],
)
def test_values(text: DocumentText, value: Any, kind: Kind, match: str | None, evidence: str | None) -> None:
    found = locate(value, kind, text)
    assert (None if found is None else found.kind) == match
    assert (None if found is None else found.evidence) == evidence


def test_the_place_and_the_count(text: DocumentText) -> None:
    found = Locator(text).find("1234.5", Kind.DECIMAL)
    assert found is not None
    assert (found.page, found.count) == (1, 2)
    assert found.bbox is not None
    left, top, right, bottom = found.bbox
    assert left == pytest.approx(300, abs=1)
    assert left < right
    assert 60 + 3 * 16 - 12 < top < bottom < 60 + 3 * 16 + 6


def test_documents_without_boxes() -> None:
    found = locate("B-17", Kind.TEXT, read_pages(b"number B-17", "text/plain"))
    assert found is not None
    assert found.bbox is None
