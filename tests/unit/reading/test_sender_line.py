"""The sender's line of a letterhead, and what only looks like one."""

from __future__ import annotations

from nightdrop.reading.task import read_document
from nightdrop.schemas import Invoice

BODY = "\nInvoice number: R-7\nTotal: 12.50 EUR\n"


def _seller(line: str) -> object:
    params = {"mime_type": "text/plain", "schema": Invoice.model_json_schema()}
    return read_document((line + BODY).encode(), params)["content"]["seller"]


def test_a_sender_line_names_the_seller() -> None:
    assert _seller("Acme Tools Ltd - 12 High Street - 98101 Seattle") == "Acme Tools Ltd"


def test_a_labelled_line_of_the_same_form_does_not() -> None:
    assert _seller("ACH: Rainier Bank - 12 High Street - 98101 Seattle") is None
