"""A place that documents come from, and what it says of a document before its bytes are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from nightdrop.records.file import File


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A document that a source has.

    url: names it for good, in rows and logs, so it holds no password. version: text that changes when its bytes do,
    such as an etag; empty when the source cannot tell. size in bytes, None unknown. modified_ms: when it was last
    written, in milliseconds since 1970, None unknown.
    """

    url: str
    version: str
    size: int | None = None
    modified_ms: int | None = None
    filename: str | None = None
    mime_type: str | None = None


class Source(Protocol):
    """What answers for the URLs of one scheme. Methods block and are called on threads, several at a time.

    A class of your own is found through an entry point in the group `nightdrop.sources` named as the scheme; it is
    made without arguments.
    """

    def list(self, url: str) -> Iterator[Found]:
        """The documents that the URL names, as a stream in a stable order.

        Raises SourceNotFound when there is nothing of that name, SourceUnreadable when it cannot be asked now.
        """

    def read(self, url: str, max_bytes: int, size: int | None = None) -> bytes:
        """One document's bytes, whole. size: as it was listed. Raises FileMissing, FileUnreadable, FileTooLarge."""

    def put_away(self, url: str, version: str, after: str, name: str) -> bool:
        """Do what is to be done with a document whose result is committed; True when nothing is left to do.

        after: "delete", or "move:URL" with the folder it goes to. name: for a file whose own name is taken there.
        One that has changed since that version, or is gone, is left alone. It may be asked again for the same one.
        """


class Queue(Source, Protocol):
    """A source whose entries are messages that name documents. `list` gives the messages that this process holds.

    `put_away` acknowledges one: once every document that it names has ended, and not before.
    """

    def named(self, url: str) -> Sequence[File]:
        """The documents that a message names or carries. Raises MessageUnreadable."""

    def is_last_try(self, url: str) -> bool:
        """Whether what cannot be had of this message now is not waited for any more: it was delivered often enough."""

    def let_go(self, url: str) -> None:
        """Hold a message no longer: after a while it is delivered again, to this process or another."""
