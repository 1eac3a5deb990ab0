"""Can this document be opened, and how many pages has it: asked before a run is accepted."""

from __future__ import annotations

from typing import Any

from nightdrop.documents import kinds


def inspect(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """Pool task: {"mime_type"} → {"pages": n}; PdfCorrupt, PdfEncrypted or PdfNoPages when a PDF cannot be used."""
    if params["mime_type"] != kinds.PDF:
        return {"pages": 1}
    from nightdrop.documents.pdf import opened, opened_page  # loads PDFium: not needed for text

    with opened(content) as document, opened_page(document, 0):
        return {"pages": len(document)}
