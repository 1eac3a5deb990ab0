"""Opening PDFs. PDFium is not thread-safe: everything here runs in the single thread of a reader process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pypdfium2
import pypdfium2.raw as pdfium

from nightdrop.errors import PdfCorrupt, PdfEncrypted, PdfNoPages

_NO_PAGES = re.compile(rb"<<(?=[^<>]{0,500}/Type\s*/Pages\b)[^<>]{0,500}/Count\s+0\b")  # an empty page tree


@contextmanager
def opened(content: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """The open document, closed on leaving; PdfEncrypted when it needs a password, PdfCorrupt, PdfNoPages.

    An owner password alone forbids printing or editing, not reading: such a document opens.
    """
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if _NO_PAGES.search(content):
            raise PdfNoPages from error  # PDFium refuses such a document, with whatever error came before it
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise PdfEncrypted("the PDF is protected by a password: remove it before handing the file in") from error
        raise PdfCorrupt(f"the PDF is damaged and cannot be opened ({error})") from error
    try:
        if len(document) == 0:
            raise PdfNoPages
        yield document
    finally:
        document.close()


@contextmanager
def opened_page(document: pypdfium2.PdfDocument, index: int) -> Iterator[pypdfium2.PdfPage]:
    """The open page at this 0-based index, closed on leaving; PdfCorrupt when it cannot be loaded.

    What was typed into a form's fields becomes part of the page: PDFium neither reads, draws nor copies it otherwise.
    """
    page = _load(document, index)
    if document.get_formtype() != pdfium.FORMTYPE_NONE:
        try:
            pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        finally:
            page.close()
        page = _load(document, index)
    try:
        yield page
    finally:
        page.close()


def _load(document: pypdfium2.PdfDocument, index: int) -> pypdfium2.PdfPage:
    try:
        return document[index]
    except pypdfium2.PdfiumError as error:
        raise PdfCorrupt(f"page {index + 1} of the PDF is damaged ({error})") from error
