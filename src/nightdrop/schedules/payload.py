"""What a schedule fires with: checked when it is made, read when it fires."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from typing import Any

from nightdrop.errors import ScheduleInvalid, UsageError
from nightdrop.intake.fetch import local_path
from nightdrop.intake.sources import queue_of, source_of
from nightdrop.servers.credentials import refuse_password
from nightdrop.servers.paths import joined, remote_root
from nightdrop.store.schedule_files import ACK

_KEYS = {"message", "files", "settle_seconds", "after", "user_id", "within"}
_MAILBOXES = ("imap://", "imaps://")
_SETTLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """message, and where documents come from: files is a folder, glob, path or URL, None for a run without documents.

    settle_seconds: how long a file must have been unchanged. after: keep, delete, or move:FOLDER (beside the
    source); of a mailbox also mark: as read.
    within: somebody else named the source: only below these folders and URLs.
    """

    message: str = ""
    files: str | None = None
    settle_seconds: float = _SETTLE_SECONDS
    after: str = "keep"
    user_id: str | None = None
    within: tuple[str, ...] | None = None

    @property
    def is_remote(self) -> bool:
        """Whether the documents come from a URL that is not a path of this machine."""
        return self.files is not None and "://" in self.files and not self.files.startswith("file://")

    @property
    def root(self) -> str:
        """The folder that the documents lie in or below."""
        if self.is_remote:
            files = self.files or ""
            return remote_root(files.partition("?")[0] if files.startswith(_MAILBOXES) else files)
        files = self.files or "."
        place = os.path.abspath(local_path(files) if files.startswith("file://") else files)
        while glob.has_magic(place) or not (os.path.isdir(place) or place == os.path.dirname(place)):
            place = os.path.dirname(place)
        return place

    @property
    def action(self) -> str | None:
        """What is noted for each file: delete, move:ABSOLUTE FOLDER, or None for keep; for a message: ack."""
        if self.files is not None and queue_of(self.files) is not None:
            return ACK
        if self.after == "keep":
            return None
        return self.after if self.after in ("delete", "mark") else f"move:{self.move_to}"

    @property
    def move_to(self) -> str | None:
        """The folder that files are moved to, None when they are not."""
        if not self.after.startswith("move:"):
            return None
        folder = self.after.removeprefix("move:")
        if self.is_remote:
            return folder if "://" in folder else joined(self.root, folder)
        return os.path.abspath(os.path.join(self.root, folder))


def read_payload(payload: Any) -> Payload:
    """A payload as given to `create`. Raises ScheduleInvalid that names the field."""
    if not isinstance(payload, dict):
        raise ScheduleInvalid('give a dict such as {"message": "...", "files": "incoming/"}', field="payload")
    unknown = sorted(set(payload) - _KEYS)
    if unknown:
        raise ScheduleInvalid(f"unknown; known are {', '.join(sorted(_KEYS))}", field=f"payload.{unknown[0]}")
    for name in ("message", "files", "after", "user_id"):
        if payload.get(name) is not None and not isinstance(payload[name], str):
            raise ScheduleInvalid("give text", field=f"payload.{name}")
    settle = payload.get("settle_seconds", _SETTLE_SECONDS)
    if isinstance(settle, bool) or not isinstance(settle, int | float) or not 0 <= settle <= 86_400:
        raise ScheduleInvalid("give seconds from 0 to 86400", field="payload.settle_seconds")
    files = payload.get("files")
    if files is not None:
        _check_files(files)
    after = payload.get("after") or "keep"
    is_mail = isinstance(files, str) and files.startswith(_MAILBOXES)
    is_known = after in ("keep", "delete") or (after == "mark" and is_mail) or after.startswith("move:")
    if not is_known or after == "move:":
        raise ScheduleInvalid(f"{after!r}: give keep, delete or move:FOLDER", field="payload.after")
    if after != "keep" and files is None:
        raise ScheduleInvalid("it needs payload.files", field="payload.after")
    made = Payload(
        message=payload.get("message") or "",
        files=files,
        settle_seconds=float(settle),
        after=after,
        user_id=payload.get("user_id"),
        within=_within(payload.get("within")),
    )
    _check_after(made)
    return made


def _within(given: Any) -> tuple[str, ...] | None:
    if given is None:
        return None
    if not isinstance(given, list | tuple) or not all(isinstance(root, str) for root in given):
        raise ScheduleInvalid("give a list of folders", field="payload.within")
    return tuple(given)


def _check_files(files: str) -> None:
    if not files:
        raise ScheduleInvalid("give a folder, glob, path or URL", field="payload.files")
    if "://" not in files:
        return
    try:
        refuse_password(files)
        source_of(files)
    except UsageError as error:
        raise ScheduleInvalid(error.message, field="payload.files") from error


def _check_after(payload: Payload) -> None:
    if payload.after == "keep" or not payload.is_remote:
        return
    assert payload.files is not None
    scheme, place = payload.files.partition("://")[0], payload.move_to or ""
    if scheme in ("http", "https", "zip", "tar") or queue_of(payload.files) is not None:
        raise ScheduleInvalid(f"what comes from {scheme}:// cannot be moved or deleted", field="payload.after")
    if place and place.split("/")[:3] != payload.files.split("/")[:3]:
        raise ScheduleInvalid(f"{place} is not on the same server or in the same bucket", field="payload.after")
