"""Opening a document once: whether it can be used, and how many pages it has, remembered by its hash."""

from __future__ import annotations

from collections import OrderedDict

from nightdrop.documents.pool import ReaderPool

_INSPECT = "nightdrop.documents.inspect:inspect"
_REMEMBERED = 10_000


_pages: OrderedDict[str, int] = OrderedDict()


async def pages_of(reader: ReaderPool, content: bytes, mime_type: str, sha256: str) -> int:
    """Pages of a document, opened in a child process the first time. Raises InputError for one that cannot be used."""
    if sha256 not in _pages:
        found = await reader.call(_INSPECT, content, {"mime_type": mime_type})
        _pages[sha256] = int(found["pages"])
        if len(_pages) > _REMEMBERED:
            _pages.popitem(last=False)
    return _pages[sha256]
