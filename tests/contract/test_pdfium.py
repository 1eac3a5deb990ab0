"""What nightdrop relies on in pypdfium2: an upgrade that changes it must fail here, not in production."""

from __future__ import annotations

import io

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas


def drawn(*, encrypt: StandardEncryption | None = None) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(200, 100), encrypt=encrypt)
    canvas.drawString(20, 50, "Ünï 4711")
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def test_the_error_code_tells_a_password_from_damage() -> None:
    with pytest.raises(pypdfium2.PdfiumError) as locked:
        pypdfium2.PdfDocument(drawn(encrypt=StandardEncryption("secret", ownerPassword="boss")))
    with pytest.raises(pypdfium2.PdfiumError) as damaged:
        pypdfium2.PdfDocument(b"%PDF-1.4 nothing")
    assert locked.value.err_code == pdfium.FPDF_ERR_PASSWORD
    assert damaged.value.err_code == pdfium.FPDF_ERR_FORMAT


def test_characters_and_boxes_share_their_indices() -> None:
    document = pypdfium2.PdfDocument(drawn())
    page = document[0]
    text_page = page.get_textpage()
    count = pdfium.FPDFText_CountChars(text_page)
    assert text_page.get_text_range() == "Ünï 4711"
    assert count == len("Ünï 4711")
    box = pdfium.FS_RECTF()
    assert pdfium.FPDFText_GetLooseCharBox(text_page, 4, box)
    assert 35 < box.left < box.right < 55
    assert box.bottom < box.top
    for closable in (text_page, page, document):
        closable.close()


def test_the_page_box_is_left_bottom_right_top() -> None:
    document = pypdfium2.PdfDocument(drawn())
    assert tuple(document[0].get_bbox()) == (0, 0, 200, 100)
    document.close()


def test_attachments_are_listed() -> None:
    document = pypdfium2.PdfDocument(drawn())
    assert document.count_attachments() == 0
    document.close()
