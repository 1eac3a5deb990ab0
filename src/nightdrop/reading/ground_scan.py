"""The pool task that grounds an answer in a scan: its pages are recognised first."""

from __future__ import annotations

from typing import Any

from nightdrop.documents.ocr import read_scanned
from nightdrop.reading.ground import ground_in


def ground_scan(content: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """As `ground_answer`, and {"most_pages"}: so many pages are recognised at most."""
    return ground_in(read_scanned(content, params["mime_type"], params["most_pages"]), params)
