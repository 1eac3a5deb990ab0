"""What a receiver says when it does not take something."""

from __future__ import annotations

import httpx2

_TOLD_CHARACTERS = 300


def first_words(response: httpx2.Response) -> str:
    """`: ` and the beginning of what it says, for whoever looks for the reason; empty when it says nothing."""
    first = next(response.iter_bytes(_TOLD_CHARACTERS), b"")
    text = " ".join(first.decode("utf-8", "replace").replace("\0", " ").split())
    return f": {text[:_TOLD_CHARACTERS]}" if text else ""


def retry_after(response: httpx2.Response) -> float | None:
    """A Retry-After in seconds; one that is a date is left out."""
    text = response.headers.get("Retry-After")
    return float(text) if text is not None and text.strip().isdecimal() else None
