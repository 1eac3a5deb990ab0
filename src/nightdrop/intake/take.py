"""Taking a document in: bytes read once, type checked, hashed; or the typed reason why it is refused."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from nightdrop.documents.kinds import check
from nightdrop.errors import InputError
from nightdrop.intake.fetch import read_file
from nightdrop.records.document import NewDocument
from nightdrop.records.file import File
from nightdrop.records.run import FileRef, RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A document in memory on its way to the store. content is None when no bytes could be read.

    refused: why it cannot be used, None when it can. version: size and mtime of a local file, else its hash.
    """

    ref: FileRef
    content: bytes | None
    refused: RunError | None
    version: str

    @property
    def document(self) -> NewDocument | None:
        """What the store keeps of it, None when no bytes could be read."""
        if self.content is None or self.ref.sha256 is None:
            return None
        mime_type = self.ref.mime_type or "application/octet-stream"
        return NewDocument(sha256=self.ref.sha256, mime_type=mime_type, content=self.content)

    @property
    def identity(self) -> str:
        """The session a batch gives it: its content's hash, or its path where there are no bytes."""
        if self.ref.sha256 is not None:
            return self.ref.sha256
        name = (self.ref.source or "").encode("utf-8", "backslashreplace")
        return "unread:" + hashlib.sha256(name).hexdigest()


def take_file(file: File, max_bytes: int) -> Taken:
    """Read and check one document. Raises InputError: for calls that must refuse before anything is stored."""
    content = read_file(file, max_bytes)
    mime_type = check(content, filename=file.name, mime_type=file.mime_type, max_bytes=max_bytes)
    return _taken(file, content, mime_type, None)


def take_listed(file: File, max_bytes: int) -> Taken:
    """Read and check one document of a batch. Never raises for a bad document: the reason is in `refused`."""
    content: bytes | None = None
    try:
        content = read_file(file, max_bytes)
        mime_type = check(content, filename=file.name, mime_type=file.mime_type, max_bytes=max_bytes)
    except InputError as error:
        problem = RunError(code=error.code, message=error.message, retryable=error.retryable)
        return _taken(file, content or None, None, problem)
    return _taken(file, content, mime_type, None)


def version_of(file: File) -> str:
    """What tells that a listed file has changed: size and mtime of a path, the URL or hash itself otherwise."""
    if file.filepath is None:
        return "" if file.content is None else hashlib.sha256(file.content).hexdigest()
    try:
        found = os.stat(file.filepath)
    except (OSError, ValueError):
        return "unreadable"
    return f"{found.st_size}-{found.st_mtime_ns}"


def _taken(file: File, content: bytes | None, mime_type: str | None, refused: RunError | None) -> Taken:
    sha256 = None if content is None else hashlib.sha256(content).hexdigest()
    ref = FileRef(sha256=sha256, filename=file.name, mime_type=mime_type or file.mime_type, source=file.source)
    return Taken(ref=ref, content=content, refused=refused, version=version_of(file))
