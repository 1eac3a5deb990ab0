"""Pages of lists: what is asked for is one more than a page has, so that there being more is known without counting."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any


def page_of(found: Sequence[Any], limit: int, *, key: str = "id") -> dict[str, Any]:
    """The first `limit` of what was found; `next_cursor` is the last one's key when there are more."""
    page, more = found[:limit], len(found) > limit
    return {"items": [item.to_json() for item in page], "next_cursor": attrgetter(key)(page[-1]) if more else None}
