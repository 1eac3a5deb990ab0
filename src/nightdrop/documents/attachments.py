"""The files embedded in a PDF: where Factur-X and ZUGFeRD keep the structured invoice."""

from __future__ import annotations

import pypdfium2

from nightdrop.documents.pdf import opened

_MAX_FILES = 100
_MAX_BYTES = 64 * 1024 * 1024


def read_attachments(content: bytes) -> dict[str, bytes]:
    """Embedded files by name; damaged ones, those after the 100th and what exceeds 64 MB in all are left out."""
    with opened(content) as document:
        return attachments_of(document)


def attachments_of(document: pypdfium2.PdfDocument) -> dict[str, bytes]:
    """The same for a document that is open already."""
    found: dict[str, bytes] = {}
    room = _MAX_BYTES
    for index in range(min(document.count_attachments(), _MAX_FILES)):
        try:
            attachment = document.get_attachment(index)
            data = bytes(attachment.get_data())
            name = attachment.get_name()
        except pypdfium2.PdfiumError:
            continue  # an empty or damaged attachment: the page itself is still readable
        room -= len(data)
        if room < 0:
            break
        found.setdefault(name, data)
    return found
