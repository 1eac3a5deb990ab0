"""A document's bytes by hash, and what is printed on its pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from nightdrop.records.content import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Bytes the store keeps, once per sha256. `location` says where in the blob store they lie; size in bytes."""

    sha256: str
    size: int
    mime_type: str
    location: str
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """Checked bytes on their way into the store."""

    sha256: str
    mime_type: str
    content: Content


class Word(NamedTuple):
    """One word of a page; box in PDF points, origin at the page's top left corner. A tuple, which is made in half the
    time of a record: a document has thousands."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: 1-based number, size in PDF points, its words in reading order, and the plain text."""

    number: int
    width: float
    height: float
    words: tuple[Word, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentText:
    """The text layer of a whole document. A text file is one page whose words have no meaningful box."""

    pages: tuple[Page, ...]
    has_boxes: bool
