"""What lies in a ZIP or OLE container, told from its directory: Office files are such containers.

Runs before anything is stored, so nothing is unpacked here.
"""

from __future__ import annotations

import struct
from collections.abc import Collection

from nightdrop.records.content import Content

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
XLS = "application/vnd.ms-excel"

ZIP = "a ZIP archive"
TAR = "a TAR archive"
OLE = "an old Office file"
LOCKED = "an Office file protected by a password"
ODT = "an OpenDocument text"
ODP = "an OpenDocument presentation"
OLD_WORD = "an old Word file (.doc)"
OLD_POWERPOINT = "an old PowerPoint file (.ppt)"
OUTLOOK = "an Outlook message"
MACROS = "an Office file with macros"
XLSB = "a binary Excel workbook (.xlsb)"

IN_ZIP = frozenset({DOCX, XLSX, PPTX, ODS, ODT, ODP, MACROS, XLSB, ZIP})
IN_OLE = frozenset({XLS, OLE, LOCKED, OLD_WORD, OLD_POWERPOINT, OUTLOOK})

MOST_MEMBERS = 10_000

_END = struct.Struct("<4s4H2LH")  # end of central directory
_ENTRY = struct.Struct("<4s6H3L5H2L")  # one entry of it
_MAIN = (("word/", DOCX), ("xl/", XLSX), ("ppt/", PPTX))
_SPECIAL = (("vbaProject.bin", MACROS), ("workbook.bin", XLSB))
_OPEN_DOCUMENT = (
    (b"mimetype" + ODS.encode(), ODS),
    (b"mimetypeapplication/vnd.oasis.opendocument.text", ODT),
    (b"mimetypeapplication/vnd.oasis.opendocument.presentation", ODP),
)
_STREAMS = (
    ("EncryptedPackage", LOCKED),
    ("WordDocument", OLD_WORD),
    ("PowerPoint Document", OLD_POWERPOINT),
    ("__nameid_version1.0", OUTLOOK),
    ("Workbook", XLS),
    ("Book", XLS),
)


def kind_in_zip(content: Content, said: Collection[str | None]) -> str:
    """The kind of an archive by its members' names. A damaged one is what its name says, for its reader to refuse."""
    for start, kind in _OPEN_DOCUMENT:
        if content[30 : 30 + len(start)] == start:
            return kind
    names = member_names(content)
    if not names:
        return next((kind for kind in said if kind is not None and kind in IN_ZIP), ZIP)
    for folder, kind in _MAIN:
        inside = [name for name in names if name.startswith(folder)]
        if inside:
            return next((special for part, special in _SPECIAL if folder + part in inside), kind)
    return ZIP


def member_names(content: Content) -> list[str]:
    """Names in an archive's directory, at most one more than MOST_MEMBERS; none when the directory is damaged."""
    end = content.rfind(b"PK\x05\x06", max(0, len(content) - 65_600))
    if end < 0 or len(content) - end < _END.size:
        return []
    size = _END.unpack_from(content, end)[5]
    names: list[str] = []
    place = end - size
    while 0 <= place <= end - _ENTRY.size and len(names) <= MOST_MEMBERS:
        entry = _ENTRY.unpack_from(content, place)
        if entry[0] != b"PK\x01\x02":
            break
        start = place + _ENTRY.size
        names.append(content[start : start + entry[10]].decode("utf-8", "replace").replace("\\", "/"))
        place = start + entry[10] + entry[11] + entry[12]
    return names


def kind_in_ole(content: Content, said: Collection[str | None]) -> str:
    """The kind of an old Office file by its streams' names; the file's name chooses when one kind embeds another."""
    found = [kind for name, kind in _STREAMS if content.find((name + "\x00").encode("utf-16-le")) >= 0]
    if LOCKED not in found and XLS in found and XLS in said:
        return XLS
    return found[0] if found else OLE
