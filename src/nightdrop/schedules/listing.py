"""The documents of one fire: what lies there, is finished being written, and is not what `after` put away."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator

from nightdrop.errors import SourceNotFound
from nightdrop.intake.allowed import list_allowed
from nightdrop.intake.fetch import look_at_url
from nightdrop.intake.listing import Entry, list_source
from nightdrop.intake.remote import UNFINISHED
from nightdrop.records.source import Found
from nightdrop.schedules.payload import Payload


def settled_files(payload: Payload, now_ms: int) -> Iterator[Entry]:
    """The files that nobody has written to for `settle_seconds`. A glob may match nothing.

    Raises SourceNotFound, SourceUnreadable when a remote source cannot be asked now.
    """
    assert payload.files is not None
    if payload.within is None and payload.files.startswith(("http://", "https://")):
        return iter([look_at_url(payload.files)])
    try:
        files = list_source(payload.files) if payload.within is None else list_allowed(payload.files, payload.within)
    except SourceNotFound:
        if payload.is_remote or not glob.has_magic(payload.files):
            raise
        return iter(())
    return (file for file in files if _is_settled(file, payload, now_ms))


def _is_settled(file: Entry, payload: Payload, now_ms: int) -> bool:
    if isinstance(file, Found):
        if payload.move_to is not None and payload.move_to != payload.root and _is_below(file.url, payload.move_to):
            return False
        return file.modified_ms is None or file.modified_ms <= now_ms - payload.settle_seconds * 1000
    if file.filepath is None:
        return True
    path = os.fspath(file.filepath)
    if path.endswith(UNFINISHED):
        return False
    try:
        found = os.stat(path)
    except OSError:
        return True  # taken in all the same, to be refused with its reason
    return found.st_mtime * 1000 <= now_ms - payload.settle_seconds * 1000


def _is_below(url: str, folder: str) -> bool:
    return url.startswith(folder.rstrip("/") + "/")
