"""The frames between the pool and its children: lengths, a JSON header, raw bytes."""

from __future__ import annotations

import json
import struct
from typing import Any

PREFIX = struct.Struct(">4sIQ")
_MAGIC = b"NDR1"
_MAX_HEADER = 512 * 1024 * 1024


class WireBroken(Exception):
    """These bytes are not a frame."""


def encode(header: dict[str, Any], content_length: int = 0) -> bytes:
    """Prefix and header of one frame; the content's bytes follow it as they are."""
    body = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return PREFIX.pack(_MAGIC, len(body), content_length) + body


def lengths(prefix: bytes) -> tuple[int, int]:
    """Header and content length in bytes; WireBroken when these bytes are no prefix."""
    magic, header, content = PREFIX.unpack(prefix)
    if magic != _MAGIC or header > _MAX_HEADER:
        raise WireBroken
    return header, content


def decode(body: bytes) -> dict[str, Any]:
    """The header back; WireBroken when it is not a JSON object."""
    try:
        header = json.loads(body.decode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise WireBroken from error
    if not isinstance(header, dict):
        raise WireBroken
    return header
