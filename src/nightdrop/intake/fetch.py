"""Reading one document's bytes from a path or a web address, once, bounded in size."""

from __future__ import annotations

import os
import stat
from urllib.parse import unquote_to_bytes

import httpx2

from nightdrop import clock
from nightdrop.errors import FileMissing, FileTooLarge, FileUnreadable, SourceUnreadable, UrlRefused, UsageError
from nightdrop.outbound import AllowedHosts, host_of, request
from nightdrop.records.file import shown_url, storable
from nightdrop.records.source import Found
from nightdrop.settings import load_settings

_TIMEOUT_SECONDS = 60.0  # for a connection, and for each piece
_WHOLE_SECONDS = 300.0  # for a whole document: a server that drips must not hold the others up for ever


def read_path(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """A local file's bytes; a folder, a device or a pipe is not a document."""
    shown = storable(os.fspath(path))
    try:
        with open(path, "rb", buffering=0, opener=_without_waiting) as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise FileUnreadable(f"{shown} is not a regular file")
            if found.st_size > max_bytes:
                raise too_large(shown, found.st_size, max_bytes)
            return stream.read()
    except FileNotFoundError as error:
        raise FileMissing(f"there is no file at {shown}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        raise FileUnreadable(f"{shown} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _without_waiting(path: str, flags: int) -> int:
    """Opening a pipe must not wait for whoever writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def local_path(url: str) -> str:
    """The path that a file:// URL names, percent signs decoded."""
    return os.fsdecode(unquote_to_bytes(url.removeprefix("file://").encode("utf-8", "surrogateescape")))


def fetch_url(url: str, max_bytes: int, *, guarded: bool) -> bytes:
    """The bytes behind an http(s) URL and its redirects. Raises UrlRefused, FileMissing, FileUnreadable, FileTooLarge.

    guarded: the URL was given by somebody else, so its host must be public too. Where it leads by redirects must be
    public in either case: whoever answers is not who wrote the URL.
    """
    shown = shown_url(url)
    try:
        with request("GET", url, _allowed(url, guarded=guarded), timeout=_TIMEOUT_SECONDS) as response:
            if response.status_code in (404, 410):
                raise FileMissing(f"{shown} answered {response.status_code}")
            if response.status_code >= 300:
                raise FileUnreadable(f"{shown} answered {response.status_code}")
            return _body(response, shown, max_bytes)
    except (httpx2.HTTPError, httpx2.StreamError, UnicodeError) as error:
        raise FileUnreadable(f"{shown} cannot be fetched: {type(error).__name__}: {error}") from error


def _allowed(url: str, *, guarded: bool) -> AllowedHosts:
    allowed = AllowedHosts.parse(load_settings().allow_hosts)
    if guarded:
        return allowed
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise FileUnreadable(f"{shown_url(url)} cannot be fetched: {type(error).__name__}: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise FileUnreadable(f"{shown_url(url)} is not an http or https URL")
    return allowed.with_name(host_of(parsed))


def _body(response: httpx2.Response, shown: str, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size, deadline = 0, clock.monotonic() + _WHOLE_SECONDS
    for chunk in response.iter_bytes():
        size += len(chunk)
        if clock.monotonic() > deadline:
            raise FileUnreadable(f"{shown} was not complete after {_WHOLE_SECONDS:.0f} s")
        if size > max_bytes:
            raise too_large(shown, size, max_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


def look_at_url(url: str) -> Found:
    """What a web server says of the document behind a URL: its etag, or its time of change and size.

    One that says neither is read each time, and known by its bytes. Raises SourceUnreadable, and UsageError for a URL
    that may not be asked.
    """
    shown = shown_url(url)
    try:
        with request("HEAD", url, _allowed(url, guarded=False), timeout=_TIMEOUT_SECONDS) as answer:
            status, headers = answer.status_code, answer.headers
    except UrlRefused as error:
        raise UsageError(f"{shown}: {error.message}") from error
    except (httpx2.HTTPError, httpx2.StreamError, UnicodeError, FileUnreadable) as error:
        raise SourceUnreadable(f"{shown} cannot be asked: {type(error).__name__}: {error}") from error
    if status >= 500:
        raise SourceUnreadable(f"{shown} answered {status}")
    said = [headers.get(name, "") for name in ("etag", "last-modified", "content-length")]
    version = "-".join(said) if status < 300 and (said[0] or said[1]) else f"asked {clock.now_ms()}"
    return Found(url=url, version=version)


def too_large(name: str, size: int, max_bytes: int) -> FileTooLarge:
    """The error for a document over the limit, saying how to raise it."""
    return FileTooLarge(
        f"{name} has {size:,} bytes or more, the limit is {max_bytes:,}; NIGHTDROP_MAX_FILE_MB raises it"
    )
