"""Shows values of a structured invoice on its page, where they are visible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nightdrop.reading.convert import convert
from nightdrop.reading.found import Found
from nightdrop.reading.locate import Locator
from nightdrop.reading.shape import Field
from nightdrop.records import DocumentText


def placer(text: DocumentText) -> Callable[[Found, Field], Found]:
    """Adds page and box to a value that has none; its evidence stays the XML path."""
    locator = Locator(text)

    def place(found: Found, field: Field) -> Found:
        if found.page is not None:
            return found
        match = locator.find(convert(found.value, field), field.kind)
        return found if match is None else replace(found, page=match.page, bbox=match.bbox)

    return place
