"""A document's bytes: in memory, or a large upload in a file that is mapped and read piece by piece."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator

Content = bytes | mmap.mmap

_PIECE_BYTES = 4 * 1024 * 1024  # a multiple of every page size


def pieces(content: Content) -> Iterator[bytes]:
    """The bytes in order. What was read of a mapped file is let go of at once: memory stays as it was."""
    if not isinstance(content, mmap.mmap):
        yield content
        return
    for at in range(0, len(content), _PIECE_BYTES):
        yield content[at : at + _PIECE_BYTES]
        if hasattr(mmap, "MADV_DONTNEED"):
            content.madvise(mmap.MADV_DONTNEED, at, min(_PIECE_BYTES, len(content) - at))


def sha256_of(content: Content) -> str:
    """The SHA-256 as hexadecimal digits."""
    digest = hashlib.sha256()
    for piece in pieces(content):
        digest.update(piece)
    return digest.hexdigest()
