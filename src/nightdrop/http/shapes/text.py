"""Text from outside that any database takes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, Field


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("text must not hold NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("text must not hold lone surrogates") from None
    return text


Text = Annotated[str, AfterValidator(_storable)]
"""Any text but NUL and lone surrogates, which Postgres refuses."""

Limit = Annotated[int, Query(ge=1, le=1000, description="How many items a page has at most.")]
Cursor = Annotated[Text | None, Query(description="`next_cursor` of the page before.", max_length=200)]
Wanted = Annotated[Text | None, Query(max_length=1000)]
"""A filter: only what has this value."""

Name = Annotated[Text, Field(max_length=1000)]

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-17T02:00:00.120Z"])]
"""A time as our records write it: RFC 3339, UTC, milliseconds."""
