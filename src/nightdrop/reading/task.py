"""The pool task of model="local": a document and a schema in, a filled answer out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nightdrop.documents import kinds
from nightdrop.documents.pages import read_pages
from nightdrop.errors import NoText
from nightdrop.reading.einvoice import EinvoiceSource, find_invoice, read_xml
from nightdrop.reading.fill import Filled, fill
from nightdrop.reading.found import Source
from nightdrop.reading.labelled import LabelledSource, refuse_prose
from nightdrop.reading.place import placer
from nightdrop.reading.shape import shape_of
from nightdrop.reading.xml_values import XmlInvoice
from nightdrop.records import DocumentText, FieldResult

_DRAWN = kinds.IMAGES | {kinds.PDF}


def read_document(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """{"mime_type", "schema"} → {"content", "fields", "missing", "reader": "einvoice" | "labels"}.

    NoText for scans and images, SchemaTooFree for a schema without fields that a reader could find.
    """
    shape = shape_of(params["schema"])
    text, invoice = _open(content, params["mime_type"])
    has_text = any(page.words for page in text.pages)
    if invoice is None:
        if not has_text:
            raise NoText(None if params["mime_type"] in _DRAWN else "the document has no text that can be read")
        refuse_prose(shape)
    sources: list[Source] = [] if invoice is None else [EinvoiceSource(invoice=invoice)]
    if has_text:
        sources.append(LabelledSource.of(text, shape))
    filled = fill(shape, sources, place=placer(text) if invoice is not None and text.has_boxes else None)
    sizes = {page.number: (page.width, page.height) for page in text.pages}
    return _answer(filled, "labels" if invoice is None else "einvoice", sizes)


def _open(content: bytes, mime_type: str) -> tuple[DocumentText, XmlInvoice | None]:
    if mime_type != kinds.PDF:
        invoice = read_xml(content) if mime_type == kinds.XML else None
        # an XML invoice has no page: its text would only be the same values again
        nothing = DocumentText(pages=(), has_boxes=False)
        return (nothing if invoice is not None else read_pages(content, mime_type)), invoice
    from nightdrop.documents.attachments import attachments_of  # loads PDFium: not needed for text
    from nightdrop.documents.pdf import opened
    from nightdrop.documents.pdf_text import text_of_document

    with opened(content) as document:
        return text_of_document(document), find_invoice(attachments_of(document))


def _answer(filled: Filled, reader: str, sizes: dict[int, tuple[float, float]]) -> dict[str, Any]:
    return {
        "content": filled.content,
        "fields": {path: _sized(result, sizes).to_json() for path, result in filled.fields.items()},
        "missing": filled.missing,
        "reader": reader,
    }


def _sized(result: FieldResult, sizes: dict[int, tuple[float, float]]) -> FieldResult:
    if result.bbox is None or result.page is None:
        return result
    return replace(result, page_size=sizes.get(result.page))
