"""PDFs for tests, drawn by reportlab: text at places, rotation, crop, passwords, attachments."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Sequence

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

Text = tuple[float, float, str]
WIDTH, HEIGHT = 400.0, 300.0


def pdf(
    *pages: Sequence[Text],
    rotation: int = 0,
    crop: tuple[float, float, float, float] | None = None,
    user_password: str | None = None,
    owner_password: str | None = None,
    font: str = "Helvetica",
) -> bytes:
    """One page per list of (left, top of the baseline, text), measured from the page's top left corner."""
    out = io.BytesIO()
    encrypt = None
    if user_password is not None or owner_password is not None:
        encrypt = StandardEncryption(user_password or "", ownerPassword=owner_password, canPrint=0, canCopy=0)
    canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), encrypt=encrypt)
    for page in pages:
        canvas.setFont(font, 10)
        canvas.setPageRotation(rotation)
        if crop is not None:
            canvas.setCropBox(crop)
        for left, top, text in page:
            canvas.drawString(left, HEIGHT - top, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def with_attachment(content: bytes, name: str, data: bytes) -> bytes:
    """The PDF with a file embedded."""
    document = pypdfium2.PdfDocument(content)
    wide = (name + "\x00").encode("utf-16-le")
    buffer = (ctypes.c_ushort * (len(wide) // 2)).from_buffer_copy(wide)
    attachment = pdfium.FPDFDoc_AddAttachment(document, buffer)
    pdfium.FPDFAttachment_SetFile(attachment, document, data, len(data))
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def no_pages() -> bytes:
    """A whole PDF without a page."""
    out = io.BytesIO()
    document = pypdfium2.PdfDocument.new()
    document.save(out)
    document.close()
    return out.getvalue()


def form(name: str, value: str) -> bytes:
    """A page with a label and a text field that somebody filled in."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH, HEIGHT))
    canvas.drawString(50, HEIGHT - 50, name)
    canvas.acroForm.textfield(name="field", value=value, x=150, y=HEIGHT - 60, width=200, height=24)
    canvas.save()
    return out.getvalue()


def scan(stamp: str = "", *, covers: float = 1.0) -> bytes:
    """A page that is a picture (on so much of its height), with a stamp of real text."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH, HEIGHT))
    canvas.drawImage(ImageReader(Image.new("RGB", (40, 30), "gray")), 0, 0, WIDTH, HEIGHT * covers)
    canvas.drawString(50, 10, stamp)
    canvas.save()
    return out.getvalue()
