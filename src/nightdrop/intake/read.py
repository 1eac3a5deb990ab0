"""Reading a document's bytes wherever a `File` says they are."""

from __future__ import annotations

import mmap

from nightdrop.errors import FileUnreadable, UsageError
from nightdrop.intake.allowed import check_below
from nightdrop.intake.fetch import fetch_url, local_path, read_path
from nightdrop.intake.sources import source_of
from nightdrop.records.content import Content
from nightdrop.records.file import File


def read_file(file: File, max_bytes: int, size: int | None = None) -> Content:
    """The document's bytes. Raises FileMissing, FileUnreadable, FileTooLarge. Blocks: call it on a thread.

    size: what its source's listing says, if it does.
    """
    if file.content is not None:
        return file.content if isinstance(file.content, mmap.mmap) else bytes(file.content)
    if file.url is None:
        assert file.filepath is not None
        path = file.filepath if file.within is None else check_below(file.filepath, file.within)
        return read_path(path, max_bytes)
    if file.guarded:
        return fetch_url(file.url, max_bytes, guarded=True)
    if file.url.startswith("file://"):
        return read_path(local_path(file.url), max_bytes)
    try:
        source = source_of(file.url)
        if source is None:
            return fetch_url(file.url, max_bytes, guarded=False)
        return source.read(file.url, max_bytes, size)
    except UsageError as error:  # an unknown scheme, a missing extra: a reason against this document alone
        raise FileUnreadable(error.message) from error
