"""Opening a document once: whether it can be used, how many pages and how much text it has, remembered by its hash."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from nightdrop.documents.pool import ReaderPool

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
    known = _opened.get(sha256)
    if known is None or (surely_fits_pages is not None and _is_wanted(known, surely_fits_pages)):
        task = _INSPECT if surely_fits_pages is None else _MEASURE
        params: dict[str, Any] = {"mime_type": mime_type, "surely_fits_pages": surely_fits_pages}
        found = await reader.call(task, await content(), params)
        known = Opened(pages=found["pages"], characters=found.get("characters"), images=found.get("images"))
        _opened[sha256] = known
        if len(_opened) > _REMEMBERED:
            _opened.popitem(last=False)
    return known


def _is_wanted(known: Opened, surely_fits_pages: int) -> bool:
    return known.characters is None and not 1 < known.pages <= surely_fits_pages
