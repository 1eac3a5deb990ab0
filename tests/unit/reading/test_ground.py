"""Grounding an answer: what is printed gets its place, what is not is named."""

from __future__ import annotations

from typing import Any

import forms
import pytest
from pydantic import BaseModel
from tests.unit.documents.office_files import word

from nightdrop.documents import kinds
from nightdrop.documents.pages import read_pages
from nightdrop.documents.plain_text import page_text
from nightdrop.reading.ground import ground_answer
from nightdrop.schemas import Invoice

ROWS = [
    ((50, "Invoice number: A-77"), (300, "1 May 2026")),
    ((50, "Green tea"), (300, "2"), (400, "5.00"), (480, "10.00")),
    ((50, "Total"), (480, "10.00 EUR")),
]
ANSWER: dict[str, Any] = {
    "invoice_number": "A-77",
    "date": "2026-05-01",
    "seller": "Invented Ltd",
    "buyer": None,
    "total": "10",
    "lines": [{"description": "green TEA", "quantity": "2", "amount": "11.00"}],
}


class ConfidentField(BaseModel):
    """As tutorials write it."""

    value: str | None
    confidence: Any


class Confident(BaseModel):
    """A schema of such fields."""

    number: ConfidentField


def ground(content: bytes, answer: Any, mime_type: str = "application/pdf", schema: Any = None) -> dict[str, Any]:
    plain = schema or Invoice.model_json_schema()
    return ground_answer(content, {"mime_type": mime_type, "schema": plain, "content": answer})


def confidences(answer: dict[str, Any]) -> dict[str, Any]:
    return {path: (field["match"], field["confidence"]) for path, field in answer["fields"].items()}


def test_values_get_their_place_and_inventions_are_named() -> None:
    answer = ground(forms.pdf(ROWS), ANSWER)
    fields = answer["fields"]
    assert confidences(answer) == {
        "invoice_number": ("exact", 0.95),
        "date": ("exact", 0.95),
        "seller": ("absent", 0.25),
        "total": ("exact", 0.95),
        "lines.0.description": ("near", 0.75),
        "lines.0.quantity": ("exact", 0.95),
        "lines.0.amount": ("absent", 0.25),
    }
    assert fields["invoice_number"]["page"] == 1
    assert len(fields["invoice_number"]["bbox"]) == 4
    assert fields["total"]["evidence"] == "10.00"
    assert (fields["seller"]["page"], fields["seller"]["bbox"], fields["seller"]["evidence"]) == (None, None, None)
    assert {field["span"] for field in fields.values()} == {None}


def test_without_text_nothing_is_known() -> None:
    assert set(confidences(ground(b"\x89PNG", ANSWER, "image/png")).values()) == {("no_text", None)}


def test_prose_and_booleans_are_not_judged() -> None:
    schema = {"type": "object", "properties": {"summary": {"type": "string"}, "paid": {"type": "boolean"}}}
    answer = ground(forms.pdf(ROWS), {"summary": "word " * 60, "paid": True}, schema=schema)
    assert set(confidences(answer).values()) == {("not_printed", None)}


def test_answers_without_a_schema() -> None:
    answer = ground(forms.pdf(ROWS), {"total": 10.0, "names": ["Green tea"]}, schema={"type": "object"})
    assert confidences(answer) == {"total": ("exact", 0.95), "names.0": ("exact", 0.95)}


TEXT = "Dear Sir,\n\n  we owe you\t1.234,50 EUR\nsince 31 January 2026,\nyours, Teehaus\nGr\u00fcn GmbH\n"


@pytest.mark.parametrize(
    ("value", "match", "quote"),
    [
        (1234.5, "exact", "1.234,50 EUR"),
        ("2026-01-31", "exact", "31 January 2026"),
        ("owe you", "exact", "owe you"),
        ("Teehaus Grun GmbH", "near", "Teehaus\nGr\u00fcn GmbH"),
        ("Nobody & Sons", "absent", None),
    ],
)
def test_text_has_a_span_of_characters_instead_of_a_box(value: Any, match: str, quote: str | None) -> None:
    """The span is in the page's text: tabs are shown as spaces there."""
    field = ground(TEXT.encode(), {"x": value}, "text/plain", {"type": "object"})["fields"]["x"]
    assert (field["match"], field["bbox"]) == (match, None)
    shown = page_text(TEXT)
    assert (None if field["span"] is None else shown[slice(*field["span"])]) == quote


def test_office_files_have_spans_too() -> None:
    content = word([("Invoice", "A-77")])
    field = ground(content, {"x": "A-77"}, kinds.DOCX, {"type": "object"})["fields"]["x"]
    (page,) = read_pages(content, kinds.DOCX).pages
    assert page.text[slice(*field["span"])] == "A-77"


@pytest.mark.parametrize(("code", "match"), [("USD", "near"), ("AUD", "near"), ("EUR", "absent")])
def test_a_currency_stands_by_its_sign(code: str, match: str) -> None:
    """Also by one that several share; which of them is meant it does not say."""
    assert (
        ground(b"Total $ 12.50", {"currency": code}, "text/plain", {"type": "object"})["fields"]["currency"]["match"]
        == match
    )


def test_marks_between_letters_do_not_matter() -> None:
    field = ground(b"Order # AB_12-2015", {"x": "#AB 122015"}, "text/plain", {"type": "object"})["fields"]["x"]
    assert field["match"] == "near"


@pytest.mark.parametrize(("share", "match"), [("0.19", "near"), ("0.07", "absent"), ("19", "exact")])
def test_a_share_stands_as_a_rate(share: str, match: str) -> None:
    schema = {"type": "object", "properties": {"rate": {"type": "string", "format": "decimal"}}}
    field = ground(b"VAT 19 % of 20.00", {"rate": share}, "text/plain", schema)["fields"]["rate"]
    assert field["match"] == match


@pytest.mark.parametrize(
    ("word", "said", "exact"),
    [
        ("high", 0.9, 0.97),
        ("Medium", 0.6, 0.95),
        ("low", 0.3, 0.92),
        (0.5, 0.5, 0.94),
        (95, 0.95, 0.98),
        ("?", None, 0.95),
    ],
)
def test_a_models_own_word_moves_confidence_within_the_band_only(word: Any, said: Any, exact: float) -> None:
    """What stands in the document is at least 0.9, what does not at most 0.5, whatever the model says."""
    schema = Confident.model_json_schema()
    answer = ground(forms.pdf(ROWS), {"number": {"value": "A-77", "confidence": word}}, schema=schema)
    assert list(answer["fields"]) == ["number.value"]
    assert (answer["fields"]["number.value"]["said"], confidences(answer)["number.value"]) == (said, ("exact", exact))
    wrong = ground(forms.pdf(ROWS), {"number": {"value": "A-78", "confidence": word}}, schema=schema)
    assert wrong["fields"]["number.value"]["confidence"] <= 0.5
