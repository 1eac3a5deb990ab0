"""Taking a document in: bytes read once, type checked, hashed; or the typed reason why it is refused."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import Any

from nightdrop.documents.kinds import check
from nightdrop.documents.unpack import Member, unpack
from nightdrop.errors import FileMissing, InputError, MessageUnreadable
from nightdrop.intake.read import read_file
from nightdrop.intake.sources import queue_of
from nightdrop.records.content import Content, sha256_of
from nightdrop.records.document import NewDocument
from nightdrop.records.file import File, storable
from nightdrop.records.run import FileRef
from nightdrop.records.run_error import RunError
from nightdrop.records.source import Found, Queue
from nightdrop.store.schedule_files import UNREAD

__all__ = ["GONE", "UNREAD", "Listed", "Taken", "look_at", "take_file", "take_listed"]

GONE = "gone"
"""The version of a file that is not there any more when it is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A document in memory on its way to the store. content is None when no bytes could be read.

    refused: why it cannot be used, None when it can. key and version: as `Listed` has them. container: the archive or
    mail it was unpacked from, as that was listed. metadata: what is kept with its run.
    """

    ref: FileRef
    content: Content | None
    refused: RunError | None
    key: str
    version: str
    container: Listed | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> NewDocument | None:
        """What the store keeps of it, None when no bytes could be read."""
        if self.content is None or self.ref.sha256 is None:
            return None
        mime_type = self.ref.mime_type or "application/octet-stream"
        return NewDocument(sha256=self.ref.sha256, mime_type=mime_type, content=self.content)

    async def read(self) -> bytes:
        """The bytes, for who asks for them as for stored ones; none where none could be read."""
        return b"" if self.content is None else self.content[:]

    @property
    def is_gone(self) -> bool:
        """Whether nothing was there when it was to be read."""
        return self.refused is not None and self.refused.code == FileMissing.code

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

    @property
    def is_gone(self) -> bool:
        """Whether nothing was there when it was looked at."""
        return self.version == GONE


def look_at(file: File | Found) -> Listed:
    """What can be told of a document without reading it: one stat of a local file."""
    if isinstance(file, Found):
        named = File(url=file.url, filename=file.filename, mime_type=file.mime_type)
        return Listed(
            file=named, key=named.source or "", version=file.version, size=file.size or 0, known_size=file.size
        )
    if file.content is not None:
        sha256 = sha256_of(file.content)
        key = f"{file.source or 'content'}#{sha256[:12]}"
        return Listed(file=file, key=key, version=sha256, size=len(file.content))
    if file.filepath is None:
        return Listed(file=file, key=file.source or "", version="", size=0)
    try:
        found = os.stat(file.filepath)
    except FileNotFoundError:
        return Listed(file=file, key=file.source or "", version=GONE, size=0)
    except (OSError, ValueError):
        return Listed(file=file, key=file.source or "", version="unreadable", size=0)
    version = f"{found.st_size}-{found.st_mtime_ns}"
    return Listed(file=file, key=file.source or "", version=version, size=found.st_size)


def take_file(file: File, max_bytes: int) -> Taken:
    """Read and check one document. Raises InputError: for calls that must refuse before anything is stored."""
    content = read_file(file, max_bytes)
    mime_type = check(content, filename=file.name, mime_type=file.mime_type, max_bytes=max_bytes)
    return _taken(look_at(file), content, mime_type, None)


def take_listed(listed: Listed, max_bytes: int, max_unpacked: int) -> list[Taken]:
    """Read and check one entry of a source: itself, or the documents in it when it is an archive or a mail.

    Never raises for a bad document: the reason is in `refused`. max_unpacked: bytes that those in it may have together.
    """
    content: Content | None = None
    file = listed.file
    queue = None if file.url is None else queue_of(file.url)
    if queue is not None:
        return _take_message(queue, listed, max_bytes, max_unpacked)
    try:
        content = read_file(file, max_bytes, listed.known_size)
        if len(content) <= max_bytes:
            given = {"filename": file.name, "mime_type": file.mime_type}
            members = unpack(content[:], **given, max_bytes=max_bytes, max_total=max_unpacked)
            if members:
                return [_member(listed, member, max_bytes) for member in members]
        mime_type = check(content, filename=file.name, mime_type=file.mime_type, max_bytes=max_bytes)
    except InputError as error:
        seen = listed if content is not None else replace(listed, version=UNREAD)
        return [_taken(seen, content or None, None, _why(error))]
    return [_taken(listed, content, mime_type, None)]


def _take_message(queue: Queue, listed: Listed, max_bytes: int, max_unpacked: int) -> list[Taken]:
    """The documents that a message names, with those in archives and mails; or the message itself, refused.

    One that cannot be had now is asked for again when the message is delivered again, up to the last time.
    """
    url = listed.file.url or ""
    try:
        files = queue.named(url)
    except MessageUnreadable as error:
        whole = replace(listed, file=File(url=url, filename="message.txt", mime_type="text/plain"))
        return [_taken(whole, error.content or None, "text/plain", _why(error))]
    is_last, left = queue.is_last_try(url), max_unpacked
    found: dict[str, Taken] = {}
    for number, file in enumerate(files):
        seen = look_at(file)
        inner = replace(seen, key=f"{listed.key}!/{storable(file.url or file.filename or str(number))}")
        for taken in take_listed(inner, min(max_bytes, max(left, 0)), max(left, 0)):
            left -= len(taken.content or b"")
            is_waited_for = taken.version == UNREAD and not is_last
            version = UNREAD if is_waited_for else taken.ref.sha256 or f"{listed.version}-refused"
            found[taken.key] = replace(taken, version=version, container=listed)
    if any(taken.version == UNREAD for taken in found.values()):
        queue.let_go(url)
    return list(found.values())


def _member(listed: Listed, member: Member, max_bytes: int) -> Taken:
    """A document inside another, named after both."""
    key = f"{listed.key}!/{storable(member.path)}" if member.path else listed.key
    name = storable(member.filename) if member.path else listed.file.name
    refused, mime_type = None if member.refused is None else _why(member.refused), member.mime_type
    try:
        if refused is None:
            said = member.mime_type if member.path else listed.file.mime_type
            mime_type = check(member.content, filename=name, mime_type=said, max_bytes=max_bytes)
    except InputError as error:
        refused = _why(error)
    sha256 = hashlib.sha256(member.content).hexdigest() if member.content else None
    return Taken(
        ref=FileRef(sha256=sha256, filename=name, mime_type=mime_type, source=key),
        content=member.content or None,
        refused=refused,
        key=key,
        version=sha256 or f"{listed.version}-refused" if member.path else listed.version,
        container=listed,
        metadata={} if member.mail is None else {"mail": member.mail.to_json()},
    )


def _why(error: InputError) -> RunError:
    return RunError(code=error.code, message=error.message, retryable=error.retryable)


def _taken(listed: Listed, content: Content | None, mime_type: str | None, refused: RunError | None) -> Taken:
    file = listed.file
    sha256 = None if content is None else listed.version if content is file.content else sha256_of(content)
    ref = FileRef(sha256=sha256, filename=file.name, mime_type=mime_type or file.mime_type, source=file.source)
    return Taken(ref=ref, content=content, refused=refused, key=listed.key, version=listed.version)
