"""The text layer of PDF pages as words with boxes, over PDFium's raw calls.

A box is asked for the first and last character of a word only: a call per character costs five times as much.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from nightdrop.documents.pdf import opened, opened_page
from nightdrop.documents.rows import rows_of, text_of
from nightdrop.records import DocumentText, Page, Word

_WORD = re.compile(r"[^\s\x00\x02\ufffe\uffff]+")
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ue000-\uf8ff\ufffd]")
_Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The visible part of a page in PDF space, and how the viewer turns it."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int

    @property
    def size(self) -> tuple[float, float]:
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.rotation % 2 else (width, height)

    def placed(self, box: _Box) -> _Box:
        """PDF space (left, bottom, right, top; y up) → the page as seen (left, top, right, bottom; y down)."""
        left, bottom, right, top = box
        if self.rotation == 0:
            return left - self.left, self.top - top, right - self.left, self.top - bottom
        if self.rotation == 1:
            return bottom - self.bottom, left - self.left, top - self.bottom, right - self.left
        if self.rotation == 2:
            return self.right - right, bottom - self.bottom, self.right - left, top - self.bottom
        return self.top - top, self.right - right, self.top - bottom, self.right - left


def read_pdf_text(content: bytes) -> DocumentText:
    """Every page's words; a page that PDFium cannot load ends the reading with PdfCorrupt."""
    with opened(content) as document:
        return text_of_document(document)


def text_of_document(document: pypdfium2.PdfDocument) -> DocumentText:
    """The same for a document that is open already."""
    return DocumentText(pages=tuple(_page(document, index) for index in range(len(document))), has_boxes=True)


def _page(document: pypdfium2.PdfDocument, index: int) -> Page:
    with opened_page(document, index) as page:
        frame = _frame(page)
        width, height = frame.size
        text_page = pdfium.FPDFText_LoadPage(page)
        try:
            words = [w for w in _words(text_page, frame) if _is_on_page(w, width, height)] if text_page else []
        finally:
            if text_page:
                pdfium.FPDFText_ClosePage(text_page)
    rows = rows_of(words)
    return Page(
        number=index + 1,
        width=round(width, 2),
        height=round(height, 2),
        words=tuple(word for row in rows for word in row),
        text=text_of(rows),
    )


def _frame(page: pypdfium2.PdfPage) -> _Frame:
    left, bottom, right, top = page.get_bbox()  # crop box within media box
    return _Frame(left=left, bottom=bottom, right=right, top=top, rotation=pdfium.FPDFPage_GetRotation(page) % 4)


def _words(text_page: Any, frame: _Frame) -> Iterator[Word]:
    count = pdfium.FPDFText_CountChars(text_page)
    if count <= 0:
        return
    text = _characters(text_page, count)
    box_of = _box_reader(text_page)
    for match in _WORD.finditer(text):
        for start, end in _unbroken(match.start(), match.end(), box_of):
            first, last = box_of(start), box_of(end - 1)
            left, top, right, bottom = frame.placed(_around(first, last))
            word = _UNREADABLE.sub("", text[start:end])
            if word:
                yield Word(
                    text=word, left=round(left, 2), top=round(top, 2), right=round(right, 2), bottom=round(bottom, 2)
                )


def _characters(text_page: Any, count: int) -> str:
    """One character per PDFium index; its quick call drops characters without Unicode, which shifts the indices."""
    buffer = (ctypes.c_ushort * (count + 1))()
    written = pdfium.FPDFText_GetText(text_page, 0, count, buffer)
    if written == count + 1:
        units = bytes(buffer)[: count * 2]
        text = units.decode("utf-16-le", "replace")
        if len(text) == count:
            return text
    get = pdfium.FPDFText_GetUnicode
    codes = (get(text_page, index) for index in range(count))
    return "".join(chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\x00" for code in codes)


def _box_reader(text_page: Any) -> Callable[[int], _Box]:
    rectangle = pdfium.FS_RECTF()
    reference = ctypes.byref(rectangle)
    call = pdfium.FPDFText_GetLooseCharBox

    def box_of(index: int) -> _Box:
        call(text_page, index, reference)
        return rectangle.left, rectangle.bottom, rectangle.right, rectangle.top

    return box_of


def _unbroken(start: int, end: int, box_of: Callable[[int], _Box]) -> list[tuple[int, int]]:
    """Splits what PDFium joined over a line break: a word whose last character is left of its first one."""
    if end - start < 2:
        return [(start, end)]
    first, last = box_of(start), box_of(end - 1)
    is_flat = last[0] >= first[0] and last[1] < first[3] and last[3] > first[1]
    is_upright = abs(last[0] - first[0]) < 1.0  # text turned by 90 degrees
    if is_flat or is_upright:
        return [(start, end)]
    pieces, begin, before = [], start, first
    for index in range(start + 1, end):
        box = box_of(index)
        if box[0] < before[0] - 1.0 and (box[3] <= before[1] + 1.0 or box[1] >= before[3] - 1.0):
            pieces.append((begin, index))
            begin = index
        before = box
    pieces.append((begin, end))
    return pieces


def _around(first: _Box, last: _Box) -> _Box:
    return min(first[0], last[0]), min(first[1], last[1]), max(first[2], last[2]), max(first[3], last[3])


def _is_on_page(word: Word, width: float, height: float) -> bool:
    """Text outside the visible part is not on the page: nobody who reads the document sees it."""
    middle_x, middle_y = (word.left + word.right) / 2, (word.top + word.bottom) / 2
    return 0 <= middle_x <= width and 0 <= middle_y <= height
