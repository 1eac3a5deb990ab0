"""What lies in a ZIP or TAR archive or hangs on a mail, unpacked within bounds: each part is a document of its own."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace

from nightdrop.documents import containers, kinds
from nightdrop.documents.mail import MailFacts, Part, mail_parts
from nightdrop.documents.outlook import outlook_parts
from nightdrop.documents.tar_parts import is_tar, tar_parts
from nightdrop.documents.zip_parts import zip_parts
from nightdrop.errors import DocumentTooComplex, FileEmpty, InputError

DEEPEST = 4
"""Archives within archives, mails within mails: what lies deeper is refused."""

_SKIPPED = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_SAYS_ITSELF = frozenset({"image", "text", "video", "audio"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A document inside another. path: where, such as `week.zip!/in/a.pdf`, without the outermost one's name.

    refused: why it could not be unpacked, content is empty then. mail: the mail it came with.
    """

    path: str
    content: bytes
    refused: InputError | None = None
    mime_type: str | None = None
    mail: MailFacts | None = None

    @property
    def filename(self) -> str:
        """Its own name."""
        return posixpath.basename(self.path.rpartition("!/")[2]) or self.path


def unpack(
    content: bytes, *, filename: str | None, mime_type: str | None, max_bytes: int, max_total: int
) -> list[Member]:
    """The documents inside, those of inner archives and mails too; empty when it is a document itself.

    A mail with a document attached is its attachments; one without, or with pictures only, stays a document as well
    and comes first, with an empty path. max_bytes: of one document; max_total: of all of them, unpacked.
    Raises FileCorrupt, FileEncrypted, DocumentTooComplex for the whole.
    """
    room = _Room(max_bytes=max_bytes, left=max_total)
    return list(_members(content, filename, mime_type, room, "", 0, None))


@dataclass(slots=True, kw_only=True)
class _Room:
    max_bytes: int
    left: int

    def take(self, part: Part) -> None:
        self.left -= len(part.content)
        if self.left < 0:
            raise DocumentTooComplex("it unpacks to more than NIGHTDROP_MAX_ARCHIVE_MB allows")


def _members(
    content: bytes,
    filename: str | None,
    mime_type: str | None,
    room: _Room,
    before: str,
    depth: int,
    mail: MailFacts | None,
) -> Iterator[Member]:
    kind = _kind(content, filename, mime_type)
    if kind is None:
        return
    facts, parts = _parts(kind, content, room)
    if facts is not None and not any(_is_document(part) for part in parts):
        if not parts and depth == 0:
            return  # a plain mail: a document as it is
        yield Member(path=before.removesuffix("!/"), content=content, mime_type=mime_type, mail=mail)
    for part in parts:
        room.take(part)
        path = f"{before}{part.name}"
        plain = Member(
            path=path, content=part.content, refused=part.refused, mime_type=part.mime_type, mail=facts or mail
        )
        if part.refused is not None or _kind(part.content, part.name, part.mime_type) is None:
            yield plain
        elif depth + 1 >= DEEPEST:
            yield replace(plain, refused=DocumentTooComplex(f"{path} lies {DEEPEST} archives or mails deep"))
        else:
            yield from _inside(part, room, plain, depth)


def _inside(part: Part, room: _Room, plain: Member, depth: int) -> list[Member]:
    """The documents of an inner container; one that cannot be unpacked is refused alone."""
    try:
        return list(_members(part.content, part.name, part.mime_type, room, f"{plain.path}!/", depth + 1, plain.mail))
    except DocumentTooComplex:
        raise  # a bomb is the whole's
    except InputError as error:
        return [replace(plain, refused=error)]


def _kind(content: bytes, filename: str | None, mime_type: str | None) -> str | None:
    said = kinds.said_of(filename, mime_type)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return containers.ZIP if containers.kind_in_zip(content, said) == containers.ZIP else None
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return containers.OUTLOOK if containers.kind_in_ole(content, said) == containers.OUTLOOK else None
    if is_tar(content):
        return containers.TAR
    return kinds.EMAIL if content and kinds.is_email(content, said) else None


def _parts(kind: str, content: bytes, room: _Room) -> tuple[MailFacts | None, list[Part]]:
    if kind in (containers.ZIP, containers.TAR):
        unpacked = zip_parts if kind == containers.ZIP else tar_parts
        found = unpacked(content, max_bytes=room.max_bytes, max_total=room.left)
        parts = [part for part in found if not _is_skipped(part.name)]
        if not parts:
            raise FileEmpty("the archive has no files")
        return None, parts
    facts, parts = (mail_parts if kind == kinds.EMAIL else outlook_parts)(content)
    return facts, parts


def _is_skipped(name: str) -> bool:
    folders = name.split("/")
    return name.startswith(_SKIPPED) or any(f.startswith(".") for f in folders) or folders[-1] in _SKIPPED


def _is_document(part: Part) -> bool:
    """Whether an attachment is what the mail is about, and not a picture or a note beside its text."""
    if part.refused is not None:
        return True
    return (part.mime_type or "").partition("/")[0] not in _SAYS_ITSELF or part.name.lower().endswith(
        (".csv", ".xml", ".htm", ".html", ".tif", ".tiff")
    )
