"""What is printed on each page of a document: words with boxes in reading order, and plain text."""

from __future__ import annotations

from typing import Any

from nightdrop.documents import kinds
from nightdrop.records import DocumentText, Page, Word


def read_pages(content: bytes, mime_type: str) -> DocumentText:
    """The text layer of a PDF with boxes; of an Office file by slide or sheet, of a text kind as one page, without.

    Images have no pages here.
    """
    if mime_type == kinds.PDF:
        from nightdrop.documents.pdf_text import read_pdf_text  # loads PDFium: not needed for text

        return read_pdf_text(content)
    if mime_type in kinds.IMAGES:
        return DocumentText(pages=(), has_boxes=False)
    if mime_type in kinds.OFFICE:
        from nightdrop.documents.office import read_office

        return read_office(content, mime_type)
    from nightdrop.documents.plain_text import read_plain_text

    return read_plain_text(content, mime_type)


def read_text(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """Pool task: {"mime_type"} → the DocumentText as JSON (`to_json`)."""
    return to_json(read_pages(content, params["mime_type"]))


def read_page_texts(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """Pool task: {"mime_type"} → {"pages": [{"number", "text"}]}: what a model is shown, without the words' places,
    which are twenty times as many bytes."""
    text = read_pages(content, params["mime_type"])
    return {"pages": [{"number": page.number, "text": page.text} for page in text.pages]}


def to_json(text: DocumentText) -> dict[str, Any]:
    """A DocumentText as plain data: words as [text, left, top, right, bottom]."""
    return {
        "has_boxes": text.has_boxes,
        "pages": [
            {
                "number": page.number,
                "width": page.width,
                "height": page.height,
                "text": page.text,
                "words": [[w.text, w.left, w.top, w.right, w.bottom] for w in page.words],
            }
            for page in text.pages
        ],
    }


def from_json(data: dict[str, Any]) -> DocumentText:
    """The DocumentText back from `to_json`."""
    pages = tuple(
        Page(
            number=page["number"],
            width=page["width"],
            height=page["height"],
            text=page["text"],
            words=tuple(Word(text=w[0], left=w[1], top=w[2], right=w[3], bottom=w[4]) for w in page["words"]),
        )
        for page in data["pages"]
    )
    return DocumentText(pages=pages, has_boxes=data["has_boxes"])
