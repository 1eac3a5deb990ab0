"""The files in a ZIP archive, unpacked within bounds."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib

from nightdrop.documents.containers import MOST_MEMBERS, member_names
from nightdrop.documents.mail import Part
from nightdrop.errors import DocumentTooComplex, FileCorrupt, FileEncrypted, FileTooLarge, InputError

_LOCKED_FLAG = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError)


def zip_parts(content: bytes, *, max_bytes: int, max_total: int) -> list[Part]:
    """Each file with its bytes, or why it has none. What it says of its sizes is not believed.

    Raises FileCorrupt for a damaged directory, DocumentTooComplex for too many files or bytes.
    """
    if len(member_names(content)) > MOST_MEMBERS:
        raise DocumentTooComplex(f"the archive has more than {MOST_MEMBERS:,} files")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _BROKEN as error:
        raise FileCorrupt(f"the archive is damaged: {error}") from error
    parts: list[Part] = []
    names: dict[str, int] = {}
    with archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            part = _part(archive, info, once(info.filename, names), max_bytes)
            max_total -= len(part.content)
            if max_total < 0:
                raise DocumentTooComplex("the archive unpacks to more than NIGHTDROP_MAX_ARCHIVE_MB allows")
            parts.append(part)
    return parts


def once(name: str, names: dict[str, int]) -> str:
    """The name, numbered where an archive has it more than once."""
    plain = "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
    names[plain] = names.get(plain, 0) + 1
    return plain if names[plain] == 1 else f"{plain}#{names[plain]}"


def _part(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, max_bytes: int) -> Part:
    refused: InputError | None = None
    content = b""
    try:
        if info.flag_bits & _LOCKED_FLAG:
            raise FileEncrypted(f"{name} in the archive is protected by a password")
        with archive.open(info) as stream:
            content = stream.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise FileTooLarge(f"{name} unpacks to more than {max_bytes:,} bytes; NIGHTDROP_MAX_FILE_MB raises it")
    except InputError as error:
        refused, content = error, b""
    except _BROKEN as error:
        refused, content = FileCorrupt(f"{name} in the archive is damaged: {error}"), b""
    return Part(name=name, content=content, refused=refused)
