"""Which PDFs can be used, and how many pages they have."""

from __future__ import annotations

import paper
import pictures
import pytest
from PIL import Image

from nightdrop.documents.inspect import inspect
from nightdrop.errors import FileCorrupt, PdfCorrupt, PdfEncrypted, PdfNoPages

PDF = {"mime_type": "application/pdf"}
PAGE = [(50, 50, "Hello")]


def test_pages_are_counted() -> None:
    assert inspect(paper.pdf(PAGE, PAGE, PAGE), PDF) == {"pages": 3}


def test_text_is_one_page() -> None:
    assert inspect(b"Hello", {"mime_type": "text/plain"}) == {"pages": 1}


def test_images_are_opened_too() -> None:
    tiff = pictures.tiff(pictures.two_colours(), pictures.two_colours())
    assert inspect(tiff, {"mime_type": "image/tiff"}) == {"pages": 2}
    assert inspect(pictures.saved(pictures.two_colours(), "PNG"), {"mime_type": "image/png"}) == {"pages": 1}
    with pytest.raises(FileCorrupt):
        inspect(b"\x89PNG\r\n\x1a\n garbage", {"mime_type": "image/png"})


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_an_image_that_breaks_off_is_corrupt(format: str) -> None:
    content = pictures.saved(Image.effect_noise((400, 400), 80), format)
    mime_type = {"mime_type": f"image/{format.lower()}"}
    assert inspect(content, mime_type) == {"pages": 1}
    with pytest.raises(FileCorrupt, match="damaged"):
        inspect(content[: len(content) // 2], mime_type)


def test_a_vast_image_is_not_decoded_to_be_accepted() -> None:
    assert inspect(pictures.vast_png(10_000, 10_000), {"mime_type": "image/png"}) == {"pages": 1}


def test_a_user_password_locks() -> None:
    with pytest.raises(PdfEncrypted, match="password"):
        inspect(paper.pdf(PAGE, user_password="secret", owner_password="boss"), PDF)


def test_an_owner_password_alone_does_not_lock() -> None:
    assert inspect(paper.pdf(PAGE, owner_password="boss"), PDF) == {"pages": 1}


def test_garbage_is_corrupt() -> None:
    with pytest.raises(PdfCorrupt):
        inspect(b"%PDF-1.7\nnothing of a PDF\n%%EOF", PDF)


def test_a_truncated_file_is_corrupt_or_recovered() -> None:
    content = paper.pdf(PAGE)
    with pytest.raises(PdfCorrupt):
        inspect(content[:60], PDF)


def test_no_pages() -> None:
    with pytest.raises(PdfNoPages):
        inspect(paper.no_pages(), PDF)
