"""Putting a file into a PDF as an attachment."""

from __future__ import annotations

import datetime
import io
import re

import pypdfium2

_IDS = re.compile(rb"/ID\s*\[\s*<([0-9A-Fa-f]{32})>\s*<[0-9A-Fa-f]{32}>\s*\]")


def attached(pdf: bytes, name: str, content: bytes, created: datetime.date) -> bytes:
    """The PDF with this attachment; the same bytes every time, which pdfium alone does not give."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        attachment = document.new_attachment(name)
        attachment.set_data(content)
        attachment.set_str_value("CreationDate", f"D:{created:%Y%m%d}000000Z")  # pdfium writes the time of the call
        saved = io.BytesIO()
        document.save(saved)
    finally:
        document.close()
    return _IDS.sub(rb"/ID[<\1><\1>]", saved.getvalue())  # pdfium draws a random second ID
