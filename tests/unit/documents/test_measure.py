"""How much there is to read, and where text is not enough."""

from __future__ import annotations

from typing import Any

import office_files
import paper
import pictures
import pytest

from nightdrop.documents.measure import measure

PDF = "application/pdf"


def measured(content: bytes, mime_type: str) -> dict[str, Any]:
    return measure(content, {"mime_type": mime_type})


def test_text_of_a_pdf() -> None:
    answer = measured(paper.pdf([(50, 40, "Hello world")], [(50, 40, "Bye")]), PDF)
    assert answer == {"pages": 2, "characters": 14, "images": False, "pages_without_text": []}


def test_pages_without_text() -> None:
    answer = measured(paper.pdf([(50, 40, "Hello")], [], [(50, 40, " ")]), PDF)
    assert (answer["pages"], answer["images"], answer["pages_without_text"]) == (3, True, [2, 3])


def test_a_scan_with_a_stamp_is_still_a_scan() -> None:
    assert measured(paper.scan("Page 1 of 1, scanned by ..."), PDF)["images"]
    assert not measured(paper.scan("Invoice 4711, total 12.00", covers=0.2), PDF)["images"]
    assert not measured(paper.scan("word " * 50), PDF)["images"]


def test_a_filled_form_has_text() -> None:
    assert measured(paper.form("", "Jane Doe"), PDF)["characters"] == 8


def test_images_have_none() -> None:
    tiff = pictures.tiff(pictures.two_colours(), pictures.two_colours())
    assert measured(tiff, "image/tiff") == {
        "pages": 2,
        "characters": 0,
        "images": True,
        "pages_without_text": [1, 2],
    }


@pytest.mark.parametrize(
    ("content", "mime_type", "pages", "characters"),
    [
        (b"Hello", "text/plain", 1, 5),
        (office_files.word("Hello"), office_files.DOCX, 1, 5),
        (office_files.slides(("a", "b"), ("c", "d")), office_files.PPTX, 2, 6),
        (office_files.sheet([["a", 1]], "S"), office_files.XLSX, 1, 12),
    ],
)
def test_text_kinds(content: bytes, mime_type: str, pages: int, characters: int) -> None:
    answer = measured(content, mime_type)
    assert answer == {"pages": pages, "characters": characters, "images": False, "pages_without_text": []}


def test_a_picture_on_a_slide_without_text() -> None:
    answer = measured(office_files.slides(("a", ""), ("", "")), office_files.PPTX)
    assert (answer["images"], answer["pages_without_text"]) == (True, [2])
