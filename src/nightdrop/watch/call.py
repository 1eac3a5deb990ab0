"""What is watched, and what becomes of a document: a schedule's payload without a schedule."""

from __future__ import annotations

import glob
import hashlib
import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from nightdrop.batch import BatchCall, ScheduleCall
from nightdrop.errors import ScheduleInvalid, SourceNotFound, UsageError
from nightdrop.intake.fetch import local_path
from nightdrop.intake.listing import Entry
from nightdrop.records.request import Subject
from nightdrop.records.source import Found
from nightdrop.schedules.payload import Payload, read_payload
from nightdrop.settings import load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchCall:
    """What `nightdrop watch` was called with.

    pattern: what the last part of a document's name must fit, `*` and `?` as in a shell. interval_seconds: between two
    looks when nothing tells of a change. once: one look, then the end. leave_out: files that are no documents.
    """

    subject: Subject
    payload: Payload
    pattern: str | None = None
    interval_seconds: float = 10.0
    once: bool = False
    leave_out: tuple[str, ...] = ()
    cache: bool = False

    @property
    def id(self) -> str:
        """What the same command has again: of what is watched, by whom it is read, and what is asked."""
        said = (self.subject.kind, self.subject.id, self.payload.message, str(self.payload.files), self.pattern or "")
        return "watch-" + hashlib.sha256("\0".join(said).encode("utf-8", "backslashreplace")).hexdigest()[:30]

    @property
    def folder(self) -> str | None:
        """The folder of this machine that is watched, None for a server: a glob's without its pattern."""
        files = self.payload.files
        if files is None or self.payload.is_remote:
            return None
        while glob.has_magic(files):
            files = os.path.dirname(files)
        return os.path.dirname(files) if os.path.isfile(files) else files

    def batch_call(self) -> BatchCall:
        """How a look takes documents in: as a schedule's fire does."""
        payload = self.payload
        assert payload.files is not None
        moved = payload.move_to
        is_inside = moved is not None and moved != payload.root and not payload.is_remote
        return BatchCall(
            subject=self.subject,
            source=payload.files,
            message=payload.message,
            leave_out=(*self.leave_out, moved) if is_inside and moved is not None else self.leave_out,
            max_bytes=load_settings().max_file_bytes,
            schedule=ScheduleCall(schedule_id=self.id, schedule_run_id=None, after=payload.action),
            cache=self.cache,
        )

    def wants(self, entry: Entry) -> bool:
        """Whether the pattern lets a document in."""
        if self.pattern is None:
            return True
        name = entry.filename or name_of(entry).rpartition("/")[2]
        return fnmatchcase(name, self.pattern)


def name_of(entry: Entry) -> str:
    """The path or URL that names a document of a source."""
    return entry.url if isinstance(entry, Found) else entry.source or ""


def watch_call(subject: Subject, given: dict[str, Any], **more: Any) -> WatchCall:
    """A call of `message`, `files`, `settle_seconds` and `after` as a schedule's payload has them. Raises UsageError,
    SourceNotFound for a folder of this machine that is not there.

    A path of this machine is made absolute: the watch is the same from whatever folder it is started in.
    """
    files = str(given["files"])
    if files.startswith("file://"):
        files = local_path(files)
    if "://" not in files:
        files = os.path.abspath(files)
    try:
        payload = read_payload({**given, "files": files})
    except ScheduleInvalid as error:
        raise UsageError(error.message.removeprefix("payload.")) from error
    return WatchCall(subject=subject, payload=payload, **more)


def check_there(call: WatchCall) -> None:
    """Raises SourceNotFound while the folder that is watched is not there, such as one of a server that is away."""
    if call.folder is not None and not os.path.isdir(call.folder):
        raise SourceNotFound(f"there is no folder {call.folder}")
