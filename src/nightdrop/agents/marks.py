"""Marks: what the model layer and the SDK carry instead of a document's bytes, until the request is sent.

A mark is a short text that is its own base64. The HTTP client (`agents/openai_client.py`) puts the document in its
place while sending, so that a document of 20 MB is never a JSON string, and nobody holds it while the model thinks.
"""

from __future__ import annotations

import base64
import itertools
import os
import re
import secrets
from types import TracebackType

from nightdrop.agents.request import Attachment
from nightdrop.errors import DocumentNotSent

_SECRET = secrets.token_hex(12)  # no document can hold a mark of this process, by chance or on purpose
_PREFIX = f"nightdropMark{_SECRET[:23]}"
_PATTERN = re.compile(rf"({_PREFIX}[0-9]{{12}})".encode())
_LONGEST = 64  # bytes; a mark is 36
_numbers = itertools.count(1)
_documents: dict[bytes, Attachment] = {}


class Marks:
    """The marks of one attempt: known while it lasts, forgotten at its end."""

    def __init__(self) -> None:
        self._mine: list[bytes] = []

    def __enter__(self) -> Marks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for mark in self._mine:
            _documents.pop(mark, None)
        self._mine.clear()

    def add(self, document: Attachment) -> bytes:
        """Bytes to hand on in place of the document's: their base64 is the mark."""
        mark = f"{_PREFIX}{next(_numbers):012}".encode()
        _documents[mark] = document
        self._mine.append(mark)
        return base64.b64decode(mark)


def pieces(body: bytes) -> list[bytes | Attachment]:
    """A request's body cut at its marks. Raises DocumentNotSent for one whose attempt is over."""
    cut: list[bytes | Attachment] = []
    for number, piece in enumerate(_PATTERN.split(body)):
        if number % 2 == 0:
            cut.append(piece)
            continue
        if piece not in _documents:
            raise DocumentNotSent("a request is sent after its run has ended: its document is no longer at hand")
        cut.append(_documents[piece])
    return cut


def document_of(given: bytes) -> Attachment | None:
    """The document whose mark was handed on as these bytes; None for bytes that are a document themselves."""
    return _documents.get(base64.b64encode(given)) if len(given) < _LONGEST else None


os.register_at_fork(after_in_child=_documents.clear)  # attempts belong to the parent
