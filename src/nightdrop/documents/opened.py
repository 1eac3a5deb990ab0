"""Opening a document once: whether it can be used, how many pages and how much text it has, remembered by its hash."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import DocumentTooComplex
from nightdrop.settings import load_settings

_INSPECT = "nightdrop.documents.inspect:inspect"
_MEASURE = "nightdrop.documents.measure:measure"
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What is known of a document. characters, images: None when its text was not measured."""

    pages: int
    characters: int | None = None
    images: bool | None = None


_opened: OrderedDict[str, Opened] = OrderedDict()


async def opened_once(
    reader: ReaderPool,
    content: Callable[[], Awaitable[bytes]],
    mime_type: str,
    sha256: str,
    *,
    surely_fits_pages: int | None = None,
) -> Opened:
    """What a child process finds, asked the first time. Raises InputError for a document that cannot be used.

    surely_fits_pages: None when only pages are wanted, else the text is measured too, unless the document has
    more than one page and at most so many.
    """
    found = _opened.get(sha256)
    if found is None or (surely_fits_pages is not None and _is_wanted(found, surely_fits_pages)):
        task = _INSPECT if surely_fits_pages is None else _MEASURE
        params: dict[str, Any] = {"mime_type": mime_type, "surely_fits_pages": surely_fits_pages}
        said = await reader.call(task, await content(), params)
        found = Opened(pages=said["pages"], characters=said.get("characters"), images=said.get("images"))
        remember(sha256, found)
    return found


def check_readable(size: int, name: str | None) -> None:
    """Refuse a document that no reading process can hold, before its bytes are read. Raises DocumentTooComplex."""
    most = load_settings().reader_memory_mb
    if size > most * 1024 * 1024:
        raise DocumentTooComplex(
            f"{name or 'the document'} has {size:,} bytes; reading it takes more than NIGHTDROP_READER_MEMORY_MB={most}"
        )


def remember(sha256: str, found: Opened) -> None:
    """Keep what is known of a document, also of one made here by cutting another."""
    _opened[sha256] = found
    if len(_opened) > _REMEMBERED:
        _opened.popitem(last=False)


def known(sha256: str) -> Opened | None:
    """What opening this document found, without reading it again; None when it was not opened here lately."""
    return _opened.get(sha256)


def _is_wanted(known: Opened, surely_fits_pages: int) -> bool:
    return known.characters is None and not 1 < known.pages <= surely_fits_pages
