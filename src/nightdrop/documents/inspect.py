"""Can this document be opened, and how many pages has it: asked before a run is accepted."""

from __future__ import annotations

from typing import Any

from nightdrop.documents import kinds


def inspect(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """Pool task: {"mime_type"} → {"pages": n}. Pages of PDF and TIFF, slides, sheets; 1 for everything else.

    PdfCorrupt, PdfEncrypted, PdfNoPages, FileCorrupt, FileEncrypted or DocumentTooComplex when it cannot be used.
    """
    mime_type = params["mime_type"]
    if mime_type == kinds.PDF:
        from nightdrop.documents.pdf import opened, opened_page  # each kind's library is loaded for that kind only

        with opened(content) as document, opened_page(document, 0):
            return {"pages": len(document)}
    if mime_type in kinds.IMAGES:
        from nightdrop.documents.images import check_whole, count_frames, opened_image

        with opened_image(content, mime_type) as image:
            pages = count_frames(image)
            check_whole(image)
            return {"pages": pages}
    if mime_type in kinds.OFFICE:
        from nightdrop.documents.office import count_pages

        return {"pages": count_pages(content, mime_type)}
    return {"pages": 1}
