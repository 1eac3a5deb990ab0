"""A long PDF cut into shorter ones, for models that take so many pages at a time."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pypdfium2

from nightdrop.documents.pdf import opened, opened_page
from nightdrop.errors import DocumentTooComplex, PdfCorrupt, UsageError

_MOST_BYTES = 160 * 1024 * 1024  # PDFs whose pages share everything grow when they are cut


def split_pages(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """Pool task: {"pages_per_part"} → {"parts": [{"first", "last", "base64"}]}; pages 1-based, inclusive.

    Every part is a PDF with its text. What was typed into forms becomes part of the page; attachments and
    bookmarks are left out.
    """
    pages_per_part = params["pages_per_part"]
    if not isinstance(pages_per_part, int) or pages_per_part < 1:
        raise UsageError(f"pages_per_part={pages_per_part!r}: give 1 or more")
    parts, size = [], 0
    with opened(content) as document:
        count = len(document)
        for start in range(0, count, pages_per_part):
            stop = min(start + pages_per_part, count)
            data = _part(document, start, stop)
            size += len(data)
            if size > _MOST_BYTES:
                raise DocumentTooComplex(f"the parts of this PDF take more than {_MOST_BYTES >> 20} MB")
            parts.append({"first": start + 1, "last": stop, "base64": base64.b64encode(data).decode()})
    return {"parts": parts}


def take_pages(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """Pool task: {"first", "last"} → {"base64"}: these pages, from 1, inclusive, as a PDF of their own."""
    first, last = params["first"], params["last"]
    with opened(content) as document:
        if not 1 <= first <= last <= len(document):
            raise UsageError(f"pages {first} to {last} of a PDF of {len(document)}: there are no such pages")
        return {"base64": base64.b64encode(_part(document, first - 1, last)).decode()}


def _part(document: pypdfium2.PdfDocument, start: int, stop: int) -> bytes:
    for index in range(start, stop):
        with opened_page(document, index):
            pass  # says which page is damaged, and makes typed form values part of it
    part = pypdfium2.PdfDocument.new()
    try:
        part.import_pages(document, list(range(start, stop)))
        out = BytesIO()
        part.save(out)
    except pypdfium2.PdfiumError as error:
        raise PdfCorrupt(f"pages {start + 1} to {stop} of the PDF cannot be copied ({error})") from error
    finally:
        part.close()
    return out.getvalue()
