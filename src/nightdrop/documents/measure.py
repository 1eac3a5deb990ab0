"""How much a document holds: pages, characters, and whether its text alone says everything. For estimates of tokens."""

from __future__ import annotations

from typing import Any

from nightdrop.documents import kinds
from nightdrop.documents.pages import read_pages

_STAMP = 120  # characters: a page number, a scanner's advertisement; above this the text counts
_COVERS = 0.5  # of the page: a picture this large under so little text is a scan


def measure(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """Pool task: {"mime_type", "surely_fits_pages"} → {"pages", "characters", "images", "pages_without_text"}.

    surely_fits_pages: of a PDF of 2 to so many pages only {"pages"}, its text is not measured.

    characters: length of the text, about. images: whether some page has no text, or is a scan with a stamp on it;
    pages_without_text: their numbers.
    """
    mime_type = params["mime_type"]
    if mime_type == kinds.PDF:
        return _pdf(content, params.get("surely_fits_pages") or 0)
    if mime_type in kinds.IMAGES:
        from nightdrop.documents.images import check_whole, count_frames, opened_image

        with opened_image(content, mime_type) as image:
            check_whole(image)
            return _answer(0, list(range(1, count_frames(image) + 1)), count_frames(image))
    text = read_pages(content, mime_type)
    empty = [page.number for page in text.pages if not page.words]
    return _answer(sum(len(page.text) for page in text.pages), empty, len(text.pages))


def _answer(characters: int, empty: list[int], pages: int) -> dict[str, Any]:
    return {"pages": pages, "characters": characters, "images": bool(empty), "pages_without_text": empty}


def _pdf(content: bytes, surely_fits_pages: int) -> dict[str, Any]:
    from nightdrop.documents.pdf import opened, opened_page  # loads PDFium: not needed for text

    characters, empty = 0, []
    with opened(content) as document:
        if 1 < len(document) <= surely_fits_pages:
            with opened_page(document, 0):
                return {"pages": len(document)}
        for index in range(len(document)):
            with opened_page(document, index) as page:
                found, visible = _characters(page)
                characters += found
                if visible == 0 or (visible < _STAMP and _is_picture(page)):
                    empty.append(index + 1)
        return _answer(characters, empty, len(document))


def _characters(page: Any) -> tuple[int, int]:
    """All of them, and those that are not blank; for a full page the second number is not worth its time."""
    text_page = page.get_textpage()
    try:
        found = text_page.count_chars()
        if found > 10 * _STAMP:
            return found, found
        return found, len("".join(text_page.get_text_range().replace("\x00", "").split()))
    finally:
        text_page.close()


def _is_picture(page: Any) -> bool:
    import pypdfium2.raw as pdfium

    width, height = page.get_size()
    for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = item.get_bounds()
        if (right - left) * (top - bottom) > _COVERS * width * height:
            return True
    return False
