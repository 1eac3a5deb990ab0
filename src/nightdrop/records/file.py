"""A document as a caller hands it in: by path, URL or bytes."""

from __future__ import annotations

import mmap
import os
import re
from dataclasses import dataclass

from nightdrop.errors import UsageError
from nightdrop.records.content import Content

_PASSWORD = re.compile(r"(://)([^/@:]*):[^/@]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One document: exactly one of `filepath`, `url` or `content`.

    Bytes are read once when the run is accepted; later changes of the file do not reach the run.
    mime_type and filename override what path and content say. id: the caller's own name for it. guarded: somebody else
    gave the URL, so it must not lead to addresses that only this machine or network reaches. within: somebody else gave
    the path, so it must lie below one of these folders, links followed.
    """

    filepath: str | os.PathLike[str] | None = None
    url: str | None = None
    content: Content | None = None
    mime_type: str | None = None
    filename: str | None = None
    id: str | None = None
    guarded: bool = False
    within: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("filepath", "url", "content") if getattr(self, name) is not None]
        if len(given) != 1:
            raise UsageError(f"File takes exactly one of filepath=, url=, content=; got {', '.join(given) or 'none'}")
        if self.guarded and self.url is None:
            raise UsageError("File(guarded=True) is for a url=: paths and bytes are not fetched")
        if self.filepath is not None and not isinstance(self.filepath, str | os.PathLike):
            raise UsageError(f"File(filepath=) takes a path, got {type(self.filepath).__name__}")
        if self.content is not None and not isinstance(self.content, bytes | bytearray | memoryview | mmap.mmap):
            raise UsageError(f"File(content=) takes bytes, got {type(self.content).__name__}")

    @property
    def name(self) -> str | None:
        """The file name to show and to take the extension from, None for bare bytes without one."""
        if self.filename is not None:
            return storable(self.filename)
        if self.filepath is not None:
            return storable(os.path.basename(os.fspath(self.filepath)))
        if self.url is not None:
            return storable(_last_of(self.url)) or None
        return None

    @property
    def source(self) -> str | None:
        """Path or URL as given, without a password; the id or name for bare bytes; None when there is neither."""
        if self.filepath is not None:
            return storable(os.fspath(self.filepath))
        if self.url is not None:
            return shown_url(self.url)
        given = self.id or self.filename
        return None if given is None else storable(given)


def _last_of(url: str) -> str:
    """The file name in a URL; of a member of an archive, its own."""
    member, chained, archive = url.partition("::")
    if (chained and "://" in archive) or member.startswith(("zip://", "tar://")):
        url = member
    elif url.startswith(("http://", "https://")):
        url = url.partition("?")[0]
    return url.rstrip("/").rpartition("/")[2]


def shown_url(url: str) -> str:
    """A URL as rows, logs and messages may hold it: a password in it is left out."""
    return storable(_PASSWORD.sub(r"\1\2:***@", url) if "@" in url else url)


def storable(name: str) -> str:
    """A path or name as text that any database takes: bytes that are not UTF-8, and NUL, are written as escapes."""
    return name.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
