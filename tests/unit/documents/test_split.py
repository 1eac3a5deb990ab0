"""A PDF in parts: every part a valid PDF with its text."""

from __future__ import annotations

import base64
from typing import Any

import paper
import pytest

from nightdrop.documents.pages import read_pages
from nightdrop.documents.pool import ReaderPool
from nightdrop.documents.split import split_pages
from nightdrop.errors import PdfCorrupt, PdfEncrypted, UsageError

PDF = "application/pdf"
FIVE = paper.pdf(*([(50, 40, f"page {number}")] for number in range(1, 6)))


def parts_of(content: bytes, pages_per_part: Any) -> list[tuple[int, int, list[str]]]:
    parts = split_pages(content, {"pages_per_part": pages_per_part})["parts"]
    return [(p["first"], p["last"], texts(base64.b64decode(p["base64"]))) for p in parts]


def texts(content: bytes) -> list[str]:
    return [page.text for page in read_pages(content, PDF).pages]


def test_parts_cover_the_document() -> None:
    assert parts_of(FIVE, 2) == [
        (1, 2, ["page 1", "page 2"]),
        (3, 4, ["page 3", "page 4"]),
        (5, 5, ["page 5"]),
    ]
    assert parts_of(FIVE, 99) == [(1, 5, [f"page {number}" for number in range(1, 6)])]


def test_pages_keep_their_size_and_rotation() -> None:
    content = paper.pdf([(50, 40, "a")], [(50, 40, "b")], rotation=90)
    (part,) = split_pages(content, {"pages_per_part": 2})["parts"]
    assert read_pages(base64.b64decode(part["base64"]), PDF) == read_pages(content, PDF)


def test_what_was_typed_into_a_form_is_kept() -> None:
    assert parts_of(paper.form("Name:", "Jane Doe"), 1) == [(1, 1, ["Name:  Jane Doe"])]


def test_a_document_that_only_its_owner_may_edit_becomes_readable_parts() -> None:
    assert parts_of(paper.pdf([(50, 40, "open")], owner_password="boss"), 1) == [(1, 1, ["open"])]


def test_what_cannot_be_opened() -> None:
    with pytest.raises(PdfEncrypted):
        parts_of(paper.pdf([(50, 40, "x")], user_password="secret"), 1)
    with pytest.raises(PdfCorrupt):
        parts_of(b"%PDF-1.7 nothing %%EOF", 1)


@pytest.mark.parametrize("wrong", [0, -1, "2", None])
def test_wrong_calls(wrong: Any) -> None:
    with pytest.raises(UsageError):
        parts_of(FIVE, wrong)


def test_in_a_child() -> None:
    with ReaderPool(1) as pool:
        answer = pool.submit("nightdrop.documents.split:split_pages", FIVE, {"pages_per_part": 3}).result(60)
    assert [(part["first"], part["last"]) for part in answer["parts"]] == [(1, 3), (4, 5)]
