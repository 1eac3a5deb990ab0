"""What a message of a queue says: documents by URL, small ones in the message, or what S3 tells of new objects."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from nightdrop.errors import MessageUnreadable, UsageError
from nightdrop.records.file import File
from nightdrop.servers.credentials import refuse_password

DELIVERIES = 5
"""So often a message is delivered of which a document cannot be had; then it stays a dead letter."""

_HERE = ("file", "redis", "rediss", "sqs", "imap", "imaps")
_MOST = 1000


def documents_in(body: bytes) -> list[File]:
    """The documents of a message, none for one that tells of none (a test, a deletion). Raises MessageUnreadable."""
    try:
        return _documents(json.loads(body), 0)[:_MOST]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError) as error:
        said = error.message if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
        raise MessageUnreadable(f"the message names no documents: {said}", content=body) from error


def names_nothing(body: bytes) -> bool:
    """Whether a message can be understood and tells of no document."""
    try:
        return not documents_in(body)
    except MessageUnreadable:
        return False


def _documents(said: Any, depth: int) -> list[File]:
    if not isinstance(said, Mapping):
        raise ValueError("it is no JSON object")
    if said.get("Type") == "Notification" and isinstance(said.get("Message"), str) and depth < 2:
        return _documents(json.loads(said["Message"]), depth + 1)  # SNS around what S3 said
    if said.get("Event") == "s3:TestEvent":
        return []
    if "Records" in said:
        return [_object(record["s3"]) for record in said["Records"] if _is_new(record)]
    if said.get("detail-type") == "Object Created":
        detail = said["detail"]
        return [_named({"url": f"s3://{detail['bucket']['name']}/{detail['object']['key']}"})]
    if "documents" in said:
        return [_named({"url": one} if isinstance(one, str) else one) for one in said["documents"]]
    return [_named(said)]


def _is_new(record: Mapping[str, Any]) -> bool:
    return str(record["eventName"]).startswith(("ObjectCreated:", "s3:ObjectCreated:"))


def _object(s3: Mapping[str, Any]) -> File:
    return _named({"url": f"s3://{s3['bucket']['name']}/{unquote_plus(s3['object']['key'])}"})


def _named(one: Mapping[str, Any]) -> File:
    """A document: {"url"} or {"text"} or {"content": base64}, each with "filename" and "mime_type" if known."""
    filename, mime_type = one.get("filename"), one.get("mime_type")
    if "url" in one:
        return _behind(str(one["url"]), filename, mime_type)
    if "text" in one:
        return File(content=str(one["text"]).encode(), filename=filename or "message.txt", mime_type=mime_type)
    try:
        content = base64.b64decode(one["content"], validate=True)
    except binascii.Error as error:
        raise ValueError(f"content is not base64: {error}") from error
    return File(content=content, filename=filename, mime_type=mime_type)


def _behind(url: str, filename: str | None, mime_type: str | None) -> File:
    """Who writes into a queue is not who runs this: no paths of this machine, and http(s) to public addresses only."""
    refuse_password(url)
    scheme = url.partition("://")[0].lower()
    if "://" not in url or "::" in url or scheme in _HERE:
        raise ValueError(f"{url!r} is no URL that a message may name")
    guarded = scheme in ("http", "https")
    return File(url=url, filename=filename, mime_type=mime_type, guarded=guarded)
