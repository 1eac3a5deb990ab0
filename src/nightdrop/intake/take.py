"""Taking a document in: bytes read once, type checked, hashed; or the typed reason why it is refused."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace

from nightdrop.documents.kinds import check
from nightdrop.errors import InputError
from nightdrop.intake.read import read_file
from nightdrop.records.document import NewDocument
from nightdrop.records.file import File
from nightdrop.records.run import FileRef
from nightdrop.records.run_error import RunError
from nightdrop.records.source import Found

UNREAD = "unread"
"""The version of a document whose bytes could not be had: whenever it is listed again, it is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A document in memory on its way to the store. content is None when no bytes could be read.

    refused: why it cannot be used, None when it can. key and version: as `Listed` has them.
    """

    ref: FileRef
    content: bytes | None
    refused: RunError | None
    key: str
    version: str

    @property
    def document(self) -> NewDocument | None:
        """What the store keeps of it, None when no bytes could be read."""
        if self.content is None or self.ref.sha256 is None:
            return None
        mime_type = self.ref.mime_type or "application/octet-stream"
        return NewDocument(sha256=self.ref.sha256, mime_type=mime_type, content=self.content)

    async def read(self) -> bytes:
        """The bytes, for who asks for them as for stored ones; none where none could be read."""
        return self.content or b""

    @property
    def identity(self) -> str:
        """The session a batch gives it: its content's hash, or its path where there are no bytes."""
        if self.ref.sha256 is not None:
            return self.ref.sha256
        name = (self.ref.source or "").encode("utf-8", "backslashreplace")
        return "unread:" + hashlib.sha256(name).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A document that a source names, before its bytes are read.

    key: what names it within a batch: path or URL; for bare bytes the name with the hash, since names repeat.
    version: tells that it has changed: size and mtime of a path, the hash of bare bytes, what a remote source says.
    size in bytes, 0 unknown; known_size: None unless a source's listing says it.
    """

    file: File
    key: str
    version: str
    size: int
    known_size: int | None = None


def look_at(file: File | Found) -> Listed:
    """What can be told of a document without reading it: one stat of a local file."""
    if isinstance(file, Found):
        named = File(url=file.url, filename=file.filename, mime_type=file.mime_type)
        return Listed(
            file=named, key=named.source or "", version=file.version, size=file.size or 0, known_size=file.size
        )
    if file.content is not None:
        sha256 = hashlib.sha256(file.content).hexdigest()
        key = f"{file.source or 'content'}#{sha256[:12]}"
        return Listed(file=file, key=key, version=sha256, size=len(file.content))
    if file.filepath is None:
        return Listed(file=file, key=file.source or "", version="", size=0)
    try:
        found = os.stat(file.filepath)
    except (OSError, ValueError):
        return Listed(file=file, key=file.source or "", version="unreadable", size=0)
    version = f"{found.st_size}-{found.st_mtime_ns}"
    return Listed(file=file, key=file.source or "", version=version, size=found.st_size)


def take_file(file: File, max_bytes: int) -> Taken:
    """Read and check one document. Raises InputError: for calls that must refuse before anything is stored."""
    content = read_file(file, max_bytes)
    mime_type = check(content, filename=file.name, mime_type=file.mime_type, max_bytes=max_bytes)
    return _taken(look_at(file), content, mime_type, None)


def take_listed(listed: Listed, max_bytes: int) -> Taken:
    """Read and check one document of a batch. Never raises for a bad document: the reason is in `refused`."""
    content: bytes | None = None
    file = listed.file
    try:
        content = read_file(file, max_bytes, listed.known_size)
        mime_type = check(content, filename=file.name, mime_type=file.mime_type, max_bytes=max_bytes)
    except InputError as error:
        problem = RunError(code=error.code, message=error.message, retryable=error.retryable)
        seen = listed if content is not None else replace(listed, version=UNREAD)
        return _taken(seen, content or None, None, problem)
    return _taken(listed, content, mime_type, None)


def _taken(listed: Listed, content: bytes | None, mime_type: str | None, refused: RunError | None) -> Taken:
    file = listed.file
    sha256 = None if content is None else hashlib.sha256(content).hexdigest()
    ref = FileRef(sha256=sha256, filename=file.name, mime_type=mime_type or file.mime_type, source=file.source)
    return Taken(ref=ref, content=content, refused=refused, key=listed.key, version=listed.version)
