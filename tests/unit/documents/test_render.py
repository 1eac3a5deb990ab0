"""Pages as pictures: upright, on white, no larger than asked for."""

from __future__ import annotations

import base64
from typing import Any

import paper
import pictures
import pytest
from PIL import Image

from nightdrop.documents.pool import ReaderPool
from nightdrop.documents.render import render_pages
from nightdrop.errors import DocumentTooComplex, FileCorrupt, PdfEncrypted, UsageError

PDF, PNG, JPEG, TIFF, HEIC = "application/pdf", "image/png", "image/jpeg", "image/tiff", "image/heic"


def render(content: bytes, mime_type: str, **params: Any) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = render_pages(content, {"mime_type": mime_type, **params})["pages"]
    return pages


def only(content: bytes, mime_type: str, **params: Any) -> Image.Image:
    (page,) = render(content, mime_type, **params)
    return pictures.opened(page)


def darkness(image: Image.Image) -> int:
    return sum(value < 128 for value in image.convert("L").tobytes())


def test_pages_of_a_pdf() -> None:
    content = paper.pdf([(50, 40, "one")], [(50, 40, "two")], [(50, 40, "three")])
    pages = render(content, PDF, first=2, last=3, max_side_px=800)
    assert [(page["number"], page["mime_type"]) for page in pages] == [(2, JPEG), (3, JPEG)]
    image = pictures.opened(pages[0])
    assert (image.format, image.size, image.mode) == ("JPEG", (800, 600), "RGB")
    assert darkness(image) > 50
    assert [page["number"] for page in render(content, PDF)] == [1, 2, 3]
    assert [page["number"] for page in render(content, PDF, first=3, last=99)] == [3]
    assert render(content, PDF, first=4) == []


def test_png() -> None:
    (page,) = render(paper.pdf([(50, 40, "one")]), PDF, format="png")
    assert page["mime_type"] == PNG
    assert pictures.opened(page).format == "PNG"


def test_a_small_page_is_drawn_with_300_pixels_an_inch() -> None:
    assert only(paper.pdf([(50, 40, "x")]), PDF, max_side_px=10_000).size == (1667, 1250)


def test_rotated_pages_are_seen_upright() -> None:
    """See test_pages: reportlab swaps the sides of a turned page."""
    assert only(paper.pdf([(50, 40, "x")], rotation=90), PDF, max_side_px=400).size == (400, 300)


def test_a_filled_form_shows_its_values() -> None:
    empty, filled = (only(paper.form("Name:", value), PDF, max_side_px=400) for value in ("", "Jane Doe"))
    assert darkness(filled) > darkness(empty) + 50


def test_locked() -> None:
    with pytest.raises(PdfEncrypted):
        render(paper.pdf([(50, 40, "x")], user_password="secret"), PDF)


def test_images_are_shrunk_never_enlarged() -> None:
    content = pictures.saved(pictures.two_colours(3000, 2000), "JPEG")
    assert only(content, JPEG).size == (1600, 1067)
    assert only(content, JPEG, max_side_px=100).size == (100, 67)
    assert only(pictures.saved(pictures.two_colours(), "PNG"), PNG).size == (60, 40)


@pytest.mark.parametrize(("format", "mime_type"), [("JPEG", JPEG), ("PNG", PNG), ("TIFF", TIFF)])
@pytest.mark.parametrize(
    ("orientation", "red"),
    [(1, "top"), (2, "top"), (3, "bottom"), (4, "bottom"), (5, "left"), (6, "right"), (7, "right"), (8, "left")],
)
def test_exif_turns(format: str, mime_type: str, orientation: int, red: str) -> None:
    image = only(pictures.turned(format, orientation), mime_type, format="png")
    width, height = (60, 40) if orientation < 5 else (40, 60)
    assert image.size == (width, height)
    place = {
        "top": (width // 2, 2),
        "bottom": (width // 2, height - 3),
        "left": (2, height // 2),
        "right": (width - 3, height // 2),
    }[red]
    assert pictures.is_near(image.getpixel(place), pictures.RED)


def test_heic() -> None:
    image = only(pictures.HEIC_FILE, HEIC)
    assert image.size == (60, 40)
    assert pictures.is_near(image.getpixel((5, 5)), pictures.RED)
    assert pictures.is_near(image.getpixel((55, 35)), pictures.BLUE)


@pytest.mark.parametrize("cut", [40, 300, 440, 470])
def test_damaged_heic(cut: int) -> None:
    with pytest.raises(FileCorrupt):
        render(pictures.HEIC_FILE[:cut], HEIC)


def test_tiff_pages() -> None:
    content = pictures.tiff(pictures.two_colours(), Image.new("1", (30, 20), 1), pictures.two_colours(20, 30))
    pages = render(content, TIFF)
    assert [page["number"] for page in pages] == [1, 2, 3]
    assert [pictures.opened(page).size for page in pages] == [(60, 40), (30, 20), (20, 30)]
    assert [page["number"] for page in render(content, TIFF, first=2, last=2)] == [2]


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_any_png_mode_becomes_a_jpeg(mode: str) -> None:
    image = Image.new("I;16", (20, 10), 65535) if mode == "I;16" else Image.new("RGB", (20, 10), "white").convert(mode)
    shown = only(pictures.saved(image, "PNG"), PNG).convert("L")
    assert shown.getpixel((5, 5)) == 255


def test_cmyk_and_fax() -> None:
    assert pictures.is_near(
        only(pictures.saved(pictures.two_colours(mode="CMYK"), "JPEG"), JPEG).getpixel((5, 5)), pictures.RED
    )
    fax = pictures.saved(Image.new("1", (100, 50), 1), "TIFF", compression="group4")
    assert only(fax, TIFF).getpixel((5, 5)) == 255


def test_transparent_is_white() -> None:
    clear = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    assert only(pictures.saved(clear, "PNG"), PNG, format="png").getpixel((5, 5)) == (255, 255, 255)


def test_a_decompression_bomb_is_refused() -> None:
    with pytest.raises(DocumentTooComplex, match="too large"):
        render(pictures.vast_png(50_000, 50_000), PNG)


def test_what_fits_no_memory_fails_alone() -> None:
    """100 million pixels pass Pillow's bound; the process has another."""
    content = pictures.saved(Image.new("P", (10_000, 10_000)), "PNG")
    with ReaderPool(1, memory_mb=300) as pool, pytest.raises(DocumentTooComplex, match="memory"):
        pool.submit("nightdrop.documents.render:render_pages", content, {"mime_type": PNG}).result(60)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF"])
def test_damaged_images(format: str) -> None:
    content = pictures.saved(Image.effect_noise((200, 200), 80), format)
    for damaged in (content[: len(content) // 2], content[:20]):
        with pytest.raises(FileCorrupt, match="damaged"):
            render(damaged, f"image/{format.lower()}")


def test_what_is_no_page_cannot_be_drawn() -> None:
    with pytest.raises(UsageError, match="cannot be drawn"):
        render(b"Hello", "text/plain")


@pytest.mark.parametrize("wrong", [{"first": 0}, {"first": 3, "last": 2}, {"max_side_px": 0}, {"format": "gif"}])
def test_wrong_calls(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        render(paper.pdf([(50, 40, "x")]), PDF, **wrong)


def test_base64_is_plain() -> None:
    (page,) = render(paper.pdf([(50, 40, "x")]), PDF)
    assert base64.b64decode(page["base64"], validate=True).startswith(b"\xff\xd8\xff")
