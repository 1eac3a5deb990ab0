"""Grounding an answer: what is printed gets its place, what is not is named."""

from __future__ import annotations

from typing import Any

import forms

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


def ground(content: bytes, answer: Any, mime_type: str = "application/pdf", schema: Any = None) -> dict[str, Any]:
    plain = schema or Invoice.model_json_schema()
    return ground_answer(content, {"mime_type": mime_type, "schema": plain, "content": answer})


def test_values_get_their_place_and_inventions_are_named() -> None:
    answer = ground(forms.pdf(ROWS), ANSWER)
    fields = answer["fields"]
    assert answer["absent"] == ["seller", "lines.0.amount"]
    assert fields["invoice_number"]["page"] == 1
    assert fields["invoice_number"]["confidence"] == 0.95
    assert fields["total"]["evidence"] == "10.00"
    assert fields["lines.0.description"]["confidence"] == 0.85
    assert fields["seller"] == {
        "value": "Invented Ltd",
        "confidence": 0.3,
        "page": None,
        "bbox": None,
        "evidence": None,
    }
    assert "buyer" not in fields


def test_without_text_nothing_is_known() -> None:
    answer = ground(b"\x89PNG", ANSWER, "image/png")
    assert answer["absent"] == []
    assert answer["fields"]["total"]["confidence"] is None


def test_prose_and_booleans_are_not_judged() -> None:
    schema = {"type": "object", "properties": {"summary": {"type": "string"}, "paid": {"type": "boolean"}}}
    answer = ground(forms.pdf(ROWS), {"summary": "word " * 60, "paid": True}, schema=schema)
    assert [field["confidence"] for field in answer["fields"].values()] == [None, None]


def test_answers_without_a_schema() -> None:
    answer = ground(forms.pdf(ROWS), {"total": 10.0, "names": ["Green tea"]}, schema={"type": "object"})
    assert answer["absent"] == []
    assert set(answer["fields"]) == {"total", "names.0"}
