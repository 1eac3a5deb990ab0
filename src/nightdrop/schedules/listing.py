"""The documents of one fire: what lies there, is finished being written, and is not what `after` put away."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator

from nightdrop.errors import SourceNotFound
from nightdrop.intake.listing import list_source
from nightdrop.records.file import File
from nightdrop.schedules.payload import Payload

_UNFINISHED = (".part", ".tmp")


def settled_files(payload: Payload, now_ms: int) -> Iterator[File]:
    """The files that nobody has written to for `settle_seconds`. Raises SourceNotFound; a glob may match nothing."""
    assert payload.files is not None
    try:
        files = list_source(payload.files)
    except SourceNotFound:
        if not glob.has_magic(payload.files):
            raise
        return iter(())
    return (file for file in files if _is_settled(file, payload, now_ms))


def _is_settled(file: File, payload: Payload, now_ms: int) -> bool:
    if file.filepath is None:
        return True
    path = os.fspath(file.filepath)
    if path.endswith(_UNFINISHED):
        return False
    try:
        found = os.stat(path)
    except OSError:
        return True  # taken in all the same, to be refused with its reason
    return found.st_mtime * 1000 <= now_ms - payload.settle_seconds * 1000
