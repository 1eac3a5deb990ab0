"""A mail's attachments, and who sent it: the standard library reads it."""

from __future__ import annotations

import email.policy
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart

from nightdrop.documents.plain_text import decoded, page_text
from nightdrop.errors import DocumentTooComplex, FileCorrupt, InputError

_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
_ENDINGS = {"application/pdf": ".pdf", "message/rfc822": ".eml", "text/csv": ".csv", "application/zip": ".zip"}
_MOST_PARTS = 1000
_MOST_TEXT = 10_000
_ANY_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file inside another. mime_type: what is said of it. refused: why it has no bytes."""

    name: str
    content: bytes
    mime_type: str | None = None
    refused: InputError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFacts:
    """What a document's mail says: kept with its run as `metadata["mail"]`. text: its plain text, of which the
    first 10,000 characters are kept."""

    sender: str = ""
    subject: str = ""
    date: str = ""
    message_id: str = ""
    text: str = ""

    def to_json(self) -> dict[str, str]:
        """The plain form."""
        said = {"from": self.sender, "subject": self.subject, "date": self.date, "message_id": self.message_id}
        return {**said, "text": page_text(self.text[:_MOST_TEXT])}


def mail_parts(content: bytes) -> tuple[MailFacts, list[Part]]:
    """(who and what, attachments in order). Pictures within the text and signatures are left out."""
    try:
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        facts = MailFacts(
            sender=_header(message, "from"),
            subject=_header(message, "subject"),
            date=_header(message, "date"),
            message_id=_header(message, "message-id"),
            text=_text(message),
        )
        return facts, _attached(message)
    except (LookupError, ValueError, AttributeError, TypeError) as error:  # the parser meets what no mail should have
        raise FileCorrupt(f"the mail is damaged: {type(error).__name__}: {error}") from error


def _attached(message: EmailMessage) -> list[Part]:
    parts: list[Part] = []
    names: dict[str, int] = {}
    for part in _walk(message):
        if not _is_attachment(part):
            continue
        if len(parts) == _MOST_PARTS:
            raise DocumentTooComplex(f"the mail has more than {_MOST_PARTS:,} attachments")
        kind = part.get_content_type()
        name = (part.get_filename() or "").replace("\\", "/").rpartition("/")[2]
        name = name or f"attachment-{len(parts) + 1}{_ENDINGS.get(kind, '')}"
        names[name] = names.get(name, 0) + 1
        name = name if names[name] == 1 else f"{names[name]}-{name}"
        parts.append(Part(name=name, content=_bytes(part), mime_type=None if kind == _ANY_TYPE else kind))
    return parts


def _walk(message: MIMEPart) -> list[MIMEPart]:
    """The parts that are no containers of parts; a mail within the mail is one part."""
    found: list[MIMEPart] = []
    pending: list[MIMEPart] = [message]
    while pending:
        part = pending.pop()
        if part.get_content_maintype() == "multipart":
            inner = part.get_payload()
            pending.extend(p for p in reversed(inner) if isinstance(p, MIMEPart)) if isinstance(inner, list) else None
        else:
            found.append(part)
    return found


def _is_attachment(part: MIMEPart) -> bool:
    kind = part.get_content_type()
    if kind in _SIGNATURES:
        return False
    if part.get_content_maintype() == "image" and (part.get("content-id") or not part.get_filename()):
        return part.get_content_disposition() == "attachment" and not part.get("content-id")
    return part.get_content_disposition() == "attachment" or bool(part.get_filename()) or kind == "message/rfc822"


def _bytes(part: MIMEPart) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        first = inner[0] if isinstance(inner, list) and inner else inner
        return first.as_bytes() if isinstance(first, MIMEPart) else str(first).encode("utf-8", "surrogateescape")
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _text(message: EmailMessage) -> str:
    """The plain text of the mail itself. Without one, or where it is damaged, none: the attachments may be whole."""
    try:
        body = message.get_body(preferencelist=("plain",))
        content = None if body is None else body.get_payload(decode=True)
    except (LookupError, ValueError, AttributeError, TypeError):
        return ""
    if body is None or not isinstance(content, bytes):
        return ""
    return decoded(content, body.get_content_charset()).strip()


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).encode("utf-8", "replace").decode().split())
    except (ValueError, LookupError, AttributeError, IndexError):  # a header that the parser cannot take apart
        return ""
