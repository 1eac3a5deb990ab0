"""The files in a TAR archive, plain or compressed by gzip, unpacked within bounds."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from typing import IO, cast

from nightdrop.documents.containers import MOST_MEMBERS
from nightdrop.documents.mail import Part
from nightdrop.documents.zip_parts import once
from nightdrop.errors import DocumentTooComplex, FileCorrupt, FileTooLarge, FileTypeUnsupported, InputError

_BROKEN = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError)
_HEADERS = 1536 * MOST_MEMBERS  # bytes beside the files: a header and its padding, a long name now and then
_BLOCK = 512


def is_tar(content: bytes) -> bool:
    """Whether these bytes are a TAR archive, or begin with one when they are unpacked."""
    if content[:2] != b"\x1f\x8b":
        return content[257:262] == b"ustar"
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            return stream.read(_BLOCK)[257:262] == b"ustar"
    except _BROKEN:
        return False


def tar_parts(content: bytes, *, max_bytes: int, max_total: int) -> list[Part]:
    """Each file with its bytes, or why it has none. Nothing is written anywhere, so paths and links lead nowhere.

    Raises FileCorrupt for a damaged archive, DocumentTooComplex for too many files or bytes.
    """
    parts: list[Part] = []
    names: dict[str, int] = {}
    plain = gzip.GzipFile(fileobj=io.BytesIO(content)) if content[:2] == b"\x1f\x8b" else io.BytesIO(content)
    stream = cast(IO[bytes], _Bounded(plain, max_total + _HEADERS))
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for info in archive:
                if info.isdir():
                    continue
                if len(parts) >= MOST_MEMBERS:
                    raise DocumentTooComplex(f"the archive has more than {MOST_MEMBERS:,} files")
                part = _part(archive, info, once(_text(info.name), names), max_bytes)
                max_total -= len(part.content)
                if max_total < 0:
                    raise _too_much()
                parts.append(part)
    except _BROKEN as error:
        raise FileCorrupt(f"the archive is damaged: {error}") from error
    return parts


class _Bounded:
    """A stream of which no more than so many bytes are read, whatever the archive says of its sizes."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, most: int) -> None:
        self._stream = stream
        self._left = most

    def read(self, size: int) -> bytes:
        """The next bytes. Raises DocumentTooComplex."""
        found = self._stream.read(size)
        self._left -= len(found)
        if self._left < 0:
            raise _too_much()
        return found


def _part(archive: tarfile.TarFile, info: tarfile.TarInfo, name: str, max_bytes: int) -> Part:
    refused: InputError | None = None
    content = b""
    if not info.isreg():
        what = "a link" if info.issym() or info.islnk() else "a device"
        refused = FileTypeUnsupported(f"{name} in the archive is {what}, and no file")
    elif info.size > max_bytes:
        refused = FileTooLarge(f"{name} unpacks to more than {max_bytes:,} bytes; NIGHTDROP_MAX_FILE_MB raises it")
    else:
        stream = archive.extractfile(info)
        content = b"" if stream is None else stream.read()
    return Part(name=name, content=content, refused=refused)


def _text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _too_much() -> DocumentTooComplex:
    return DocumentTooComplex("the archive unpacks to more than NIGHTDROP_MAX_ARCHIVE_MB allows")
