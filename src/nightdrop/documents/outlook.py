"""An Outlook message (.msg): its attachments, and its text where it has none. MS-OXMSG over an OLE container."""

from __future__ import annotations

import io
from typing import Any

import olefile

from nightdrop.documents.mail import MailFacts, Part
from nightdrop.errors import FileCorrupt, FileTypeUnsupported

_STREAM = "__substg1.0_"
_SUBJECT, _SENDER, _ADDRESS, _BODY, _ID = "0037", "0C1A", "0C1F", "1000", "1035"
_DATA, _LONG_NAME, _SHORT_NAME, _MIME = "3701", "3707", "3704", "370E"
_BINARY, _UNICODE, _ANSI = "0102", "001F", "001E"
_BROKEN = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError)


def outlook_parts(content: bytes) -> tuple[MailFacts, list[Part]]:
    """(who and what, attachments in order). Without any, its text is the one part. Raises FileCorrupt."""
    try:
        with olefile.OleFileIO(io.BytesIO(content)) as ole:
            facts = MailFacts(
                sender=_text(ole, [], _SENDER) or _text(ole, [], _ADDRESS),
                subject=_text(ole, [], _SUBJECT),
                message_id=_text(ole, [], _ID),
                text=_text(ole, [], _BODY).strip(),
            )
            folders = sorted({path[0] for path in ole.listdir(storages=False) if path[0].startswith("__attach")})
            parts = [_attachment(ole, folder, number) for number, folder in enumerate(folders, 1)]
            return facts, parts or [_as_text(ole, facts)]
    except _BROKEN as error:
        raise FileCorrupt(f"the Outlook message is damaged: {type(error).__name__}: {error}") from error


def _attachment(ole: Any, folder: str, number: int) -> Part:
    data = _bytes(ole, [folder], _DATA, _BINARY)
    if data is None:
        problem = FileTypeUnsupported("a message or an object within an Outlook message is not read: save it as a file")
        return Part(name=f"attachment-{number}", content=b"", refused=problem)
    name = _text(ole, [folder], _LONG_NAME) or _text(ole, [folder], _SHORT_NAME) or f"attachment-{number}"
    kind = _text(ole, [folder], _MIME)
    return Part(name=name.replace("\\", "/").rpartition("/")[2], content=data, mime_type=kind or None)


def _as_text(ole: Any, facts: MailFacts) -> Part:
    lines = [f"From: {facts.sender}", f"Subject: {facts.subject}", "", _text(ole, [], _BODY)]
    return Part(name="message.txt", content="\n".join(lines).encode(), mime_type="text/plain")


def _text(ole: Any, folder: list[str], code: str) -> str:
    wide = _bytes(ole, folder, code, _UNICODE)
    if wide is not None:
        return wide.decode("utf-16-le", "replace").rstrip("\0")
    narrow = _bytes(ole, folder, code, _ANSI)
    return "" if narrow is None else narrow.decode("cp1252", "replace").rstrip("\0")


def _bytes(ole: Any, folder: list[str], code: str, kind: str) -> bytes | None:
    path = [*folder, f"{_STREAM}{code}{kind}"]
    if not ole.exists(path) or ole.get_type(path) != olefile.STGTY_STREAM:
        return None
    with ole.openstream(path) as stream:
        return bytes(stream.read())
