"""Scans are recognised: words with boxes where they stand, on the page or in the picture."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from nightdrop import Agent, FieldMatch, File
from nightdrop.documents import kinds
from nightdrop.documents.ocr import can_read_scans, ocr_pool
from nightdrop.testing import SimulatedProvider

pytest.importorskip("rapidocr")
SCHEMA = {"type": "object", "properties": {"number": {"type": "string"}, "total": {"type": "number"}}}


@pytest.fixture(autouse=True)
def recognition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDROP_OCR_PAGES", "2")


def picture() -> Image.Image:
    """A photographed bill."""
    image = Image.new("RGB", (800, 500), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=40)
    for row, text in enumerate(("Invoice R-20418", "Green tea 119.00 EUR")):
        draw.text((60, 80 + 120 * row), text, "black", font=font)
    return image


def png() -> bytes:
    out = io.BytesIO()
    picture().save(out, "PNG")
    return out.getvalue()


def scan() -> bytes:
    """The picture as a page of a PDF, 400 points wide, with a scanner's stamp as its only text."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(400, 250))
    canvas.drawImage(ImageReader(picture()), 0, 0, 400, 250)
    canvas.setFont("Helvetica", 4)
    canvas.drawString(5, 3, "scanned")
    canvas.save()
    return out.getvalue()


@pytest.mark.parametrize(("content", "mime_type", "unit"), [(png(), kinds.PNG, 1.0), (scan(), kinds.PDF, 0.5)])
def test_a_value_is_found_in_a_scan(
    content: bytes, mime_type: str, unit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through an agent, as any other evidence; an invented value is still nowhere."""
    assert can_read_scans()
    answer: dict[str, Any] = {"number": "R-20418", "total": 555.0}
    with SimulatedProvider(answers=lambda _: answer) as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        agent = Agent(id="scan", model="openai-chat:gpt-4o-mini", output_schema=SCHEMA)
        run = agent.run("Read.", files=[File(content=content)])
    assert run.error is None
    number, total = run.fields["number"], run.fields["total"]
    assert number.match in (FieldMatch.EXACT, FieldMatch.NEAR)
    assert total.match is FieldMatch.ABSENT
    assert (number.document, number.page, number.page_size) == (0, 1, (800 * unit, 500 * unit))
    assert number.bbox is not None
    left, top, right, bottom = (edge / unit for edge in number.bbox)
    assert 150 < left < right < 420
    assert 60 < top < bottom < 150


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDROP_OCR_PAGES", "0")
    assert not can_read_scans()


@pytest.fixture(scope="module", autouse=True)
def closed() -> Any:
    yield
    ocr_pool().close()
    import nightdrop.documents.ocr

    nightdrop.documents.ocr._pool = None
