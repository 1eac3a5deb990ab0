"""Reading scans: the words of a picture with their boxes, by RapidOCR (the extra `ocr`), in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from nightdrop.documents import kinds
from nightdrop.documents.pages import read_pages
from nightdrop.documents.pool import ReaderPool
from nightdrop.documents.rows import rows_of, text_of
from nightdrop.records import DocumentText, Page, Word
from nightdrop.settings import load_settings

READABLE = kinds.IMAGES | {kinds.PDF}

_STAMP = 120  # characters: a page with fewer may be a scan with a stamp on it
_SCALE = 2.0  # pixels per point
_SIDE = 2000  # pixels: larger pictures are shrunk
_MEMORY_MB = 4096
_TIMEOUT_SECONDS = 600.0

_pool: ReaderPool | None = None


def can_read_scans() -> bool:
    """Whether the extra is installed, and not switched off by NIGHTDROP_OCR_PAGES=0."""
    return load_settings().ocr_pages > 0 and _is_installed()


@lru_cache(maxsize=1)
def _is_installed() -> bool:
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def ocr_pool() -> ReaderPool:
    """One child process with the memory and the time that recognition takes."""
    global _pool
    if _pool is None:
        _pool = ReaderPool(1, timeout_seconds=_TIMEOUT_SECONDS, memory_mb=_MEMORY_MB)
    return _pool


def _after_fork() -> None:
    global _pool
    _pool = None


os.register_at_fork(after_in_child=_after_fork)


def read_scanned(content: bytes, mime_type: str, most_pages: int) -> DocumentText:
    """What is printed, with those pages recognised that have next to no text, at most so many.

    Boxes are in points of a PDF's page, in pixels of a picture.
    """
    text = read_pages(content, mime_type)
    if mime_type in kinds.IMAGES:
        return DocumentText(pages=tuple(_pictures(content, mime_type, most_pages)), has_boxes=True)
    wanted = [page.number for page in text.pages if len(page.text.strip()) < _STAMP][:most_pages]
    read = {page.number: page for page in _drawn(content, text, wanted)}
    return replace(text, pages=tuple(read.get(page.number, page) for page in text.pages))


def _drawn(content: bytes, text: DocumentText, numbers: list[int]) -> Iterator[Page]:
    from nightdrop.documents.pdf import opened, opened_page

    sizes = {page.number: page for page in text.pages}
    with opened(content) as document:
        for number in numbers:
            with opened_page(document, number - 1) as page:
                width, height = page.get_size()
                scale = min(_SCALE, _SIDE / max(width, height, 1.0))
                bitmap = page.render(scale=scale, rev_byteorder=True)
                picture = bitmap.to_pil()
                bitmap.close()
                yield _page(sizes[number].number, (width, height), _words(picture, 1 / scale))


def _pictures(content: bytes, mime_type: str, most_pages: int) -> Iterator[Page]:
    from nightdrop.documents.images import count_frames, decoded_frame, opened_image

    with opened_image(content, mime_type) as image:
        for index in range(min(count_frames(image), most_pages)):
            frame = decoded_frame(image, index, _SIDE)
            yield _page(index + 1, frame.size, _words(frame, 1.0))


def _page(number: int, size: tuple[float, float], words: list[Word]) -> Page:
    rows = rows_of(words)
    ordered = tuple(word for row in rows for word in row)
    return Page(number=number, width=size[0], height=size[1], words=ordered, text=text_of(rows))


def _words(picture: Any, unit: float) -> list[Word]:
    """Recognised lines cut into words, in proportion to their characters."""
    import numpy

    found = _recogniser()(numpy.asarray(picture.convert("RGB")))
    if found.txts is None:
        return []
    return [word for box, line in zip(found.boxes, found.txts, strict=True) for word in _cut(box, line, unit)]


def _cut(box: Any, line: str, unit: float) -> Iterator[Word]:
    left, right = min(p[0] for p in box) * unit, max(p[0] for p in box) * unit
    top, bottom = min(p[1] for p in box) * unit, max(p[1] for p in box) * unit
    step, at = (right - left) / max(len(line), 1), 0
    for part in line.split(" "):
        if part:
            edges = float(left + at * step), float(left + (at + len(part)) * step)
            yield Word(text=part, left=edges[0], top=float(top), right=edges[1], bottom=float(bottom))
        at += len(part) + 1


@lru_cache(maxsize=1)
def _recogniser() -> Any:
    from rapidocr import RapidOCR  # the extra; loading its models takes a second

    threads = {f"EngineConfig.onnxruntime.{name}_op_num_threads": 1 for name in ("intra", "inter")}
    return RapidOCR(params={"Global.log_level": "critical", **threads})
