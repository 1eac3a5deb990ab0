"""Mails of an IMAP mailbox as documents: read without being marked, marked, moved or deleted after the commit."""

from __future__ import annotations

import contextlib
import imaplib
import logging
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from nightdrop import clock
from nightdrop.errors import FileMissing, FileUnreadable, NightdropError, SourceNotFound, SourceUnreadable, UsageError
from nightdrop.faults import reach
from nightdrop.intake.fetch import too_large
from nightdrop.records.source import Found
from nightdrop.servers.credentials import options_for, refuse_password

log = logging.getLogger("nightdrop.intake")

SCHEMES = frozenset({"imap", "imaps"})

_TIMEOUT_SECONDS = 60.0
_PAGE = 500  # mails asked for at a time
_BROKEN = (OSError, imaplib.IMAP4.error, EOFError, ssl.SSLError)
_FACTS = re.compile(rb"UID (\d+)|RFC822\.SIZE (\d+)|INTERNALDATE \"([^\"]+)\"")
_here = threading.local()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    """An IMAP URL (RFC 5092) taken apart. mail: UIDVALIDITY and UID of one mail, None for a mailbox."""

    server: str
    mailbox: str
    search: str
    mail: tuple[str, str] | None


class Imap:
    """The `Source` of imap:// and imaps://."""

    def list(self, url: str) -> Iterator[Found]:
        """The mails of a mailbox, oldest first; those that the search behind `?` finds, where there is one."""
        address = _address(url)
        with _asking(url):
            connection = _connection(url, address)
            validity = _select(connection, address, url)
            _, found = connection.uid("SEARCH", address.search or "ALL")
            uids = found[0].split() if found and found[0] else []
        return _mails(url, address, validity, uids)

    def read(self, url: str, max_bytes: int, size: int | None = None) -> bytes:
        """A whole mail; it is not marked as read. Asked for twice when the connection has broken off."""
        if size is not None and size > max_bytes:
            raise too_large(url, size, max_bytes)
        try:
            return _read(url)
        except _BROKEN:
            _forget()
        try:
            return _read(url)
        except _BROKEN as error:
            _forget()
            raise FileUnreadable(f"{url} cannot be read: {_words(error)}") from error

    def put_away(self, url: str, version: str, after: str, name: str) -> bool:
        """Mark as read ("mark"), delete, or move a mail. A mail never changes, so its version is its place."""
        del version, name
        address = _address(url)
        assert address.mail is not None
        try:
            connection = _connection(url, address)
            if _select(connection, address, url) != address.mail[0]:
                return True  # the mailbox was made anew: this mail is gone
            if after == "mark":
                connection.uid("STORE", address.mail[1], "+FLAGS", r"(\Seen)")
            elif after == "delete":
                _delete(connection, address.mail[1])
            else:
                _move(connection, address.mail[1], _address(after.removeprefix("move:")).mailbox)
        except SourceNotFound:
            return True
        except (*_BROKEN, NightdropError) as error:
            _forget()
            log.warning("%s: %s is not possible: %s", url, after, _words(error))
            return False
        reach("after.done")
        return True


def _mails(url: str, address: _Address, validity: str, uids: list[bytes]) -> Iterator[Found]:
    for at in range(0, len(uids), _PAGE):
        page = [uid.decode() for uid in uids[at : at + _PAGE]]
        with _asking(url):
            connection = _connection(url, address)
            _select(connection, address, url)
            _, answers = connection.uid("FETCH", ",".join(page), "(UID RFC822.SIZE INTERNALDATE)")
        for uid, size, when in sorted(_facts(answer) for answer in answers if isinstance(answer, bytes)):
            yield Found(
                url=f"{address.server}/{address.mailbox};UIDVALIDITY={validity}/;UID={uid}",
                version=f"{validity}-{uid}",
                size=size,
                modified_ms=when,
                filename=f"{uid}.eml",
                mime_type="message/rfc822",
            )


def _facts(answer: bytes) -> tuple[int, int, int | None]:
    uid, size, when = 0, 0, None
    for found in _FACTS.finditer(answer):
        uid, size = int(found[1] or uid), int(found[2] or size)
        if found[3]:
            moment = datetime.strptime(found[3].decode().strip(), "%d-%b-%Y %H:%M:%S %z")
            when = clock.to_ms(moment)
    return uid, size, when


def _read(url: str) -> bytes:
    address = _address(url)
    if address.mail is None:
        raise FileUnreadable(f"{url} is a mailbox, not a mail")
    connection = _connection(url, address)
    if _select(connection, address, url) != address.mail[0]:
        raise FileMissing(f"{url}: the mailbox was made anew")
    _, answers = connection.uid("FETCH", address.mail[1], "(BODY.PEEK[])")
    for answer in answers:
        if isinstance(answer, tuple):
            return bytes(answer[1])
    raise FileMissing(f"there is no mail {url}")


def _delete(connection: imaplib.IMAP4, uid: str) -> None:
    connection.uid("STORE", uid, "+FLAGS", r"(\Deleted)")
    if "UIDPLUS" in connection.capabilities:  # a plain EXPUNGE would take along what others have marked
        connection.uid("EXPUNGE", uid)


def _move(connection: imaplib.IMAP4, uid: str, mailbox: str) -> None:
    target = _quoted(connection, mailbox)
    connection.create(target)  # one that is there already is refused, and no error
    if "MOVE" in connection.capabilities:
        status, answer = connection.uid("MOVE", uid, target)
    else:
        status, answer = connection.uid("COPY", uid, target)
    if status != "OK":
        raise imaplib.IMAP4.error(f"{mailbox}: {answer!r}")
    if "MOVE" not in connection.capabilities:
        reach("after.copied")
        _delete(connection, uid)


def _address(url: str) -> _Address:
    refuse_password(url)
    scheme, _, rest = url.partition("://")
    netloc, _, path = rest.partition("/")
    path, _, search = path.partition("?")
    mailbox, _, mail = path.partition(";UIDVALIDITY=")
    validity, _, uid = mail.partition("/;UID=")
    for text, refused in ((unquote(mailbox), '"\r\n'), (unquote(search), "\r\n")):
        if not text.isascii() or any(character in text for character in refused):
            raise UsageError(f"{scheme}://{netloc}: a mailbox or search with such characters is not read")
    return _Address(
        server=f"{scheme}://{netloc}",
        mailbox=unquote(mailbox).strip("/") or "INBOX",
        search=unquote(search),
        mail=(validity, uid) if uid.isdigit() else None,
    )


def _connection(url: str, address: _Address) -> imaplib.IMAP4:
    """This thread's connection to the server, signed in."""
    kept: dict[str, imaplib.IMAP4] = _here.__dict__.setdefault("kept", {})
    if address.server not in kept:
        kept[address.server] = _signed_in(url, address)
    return kept[address.server]


def _signed_in(url: str, address: _Address) -> imaplib.IMAP4:
    parts, options = urlsplit(address.server), options_for(url)
    host, user = parts.hostname or "", unquote(parts.username or str(options.get("username", "")))
    made: Any
    if parts.scheme == "imaps":
        made = imaplib.IMAP4_SSL(
            host, parts.port or 993, ssl_context=ssl.create_default_context(), timeout=_TIMEOUT_SECONDS
        )
    else:
        made = imaplib.IMAP4(host, parts.port or 143, timeout=_TIMEOUT_SECONDS)
    connection: imaplib.IMAP4 = made
    try:
        connection.login(user, str(options.get("password", "")))
    except _BROKEN:
        with contextlib.suppress(*_BROKEN):
            connection.shutdown()
        raise
    return connection


def _select(connection: imaplib.IMAP4, address: _Address, url: str) -> str:
    """Open the mailbox and give its UIDVALIDITY."""
    status, _ = connection.select(_quoted(connection, address.mailbox))
    if status != "OK":
        raise SourceNotFound(f"there is no mailbox {url}")
    found = connection.response("UIDVALIDITY")[1]
    return found[0].decode() if found and isinstance(found[0], bytes) else "0"


def _quoted(connection: imaplib.IMAP4, mailbox: str) -> str:
    """The mailbox as the server writes it: it says what stands between folders."""
    _, answer = connection.list('""', '""')
    said = answer[0] if answer and isinstance(answer[0], bytes) else b""
    between = re.search(rb'\) "(.)"', said)
    return '"' + mailbox.replace("/", between[1].decode() if between else "/") + '"'


@contextlib.contextmanager
def _asking(url: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        _forget()
        raise SourceUnreadable(f"{url} cannot be listed: {_words(error)}") from error


def _forget() -> None:
    """The next try connects anew."""
    for connection in _here.__dict__.pop("kept", {}).values():
        with contextlib.suppress(*_BROKEN):
            connection.shutdown()


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
