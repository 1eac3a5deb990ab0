"""What a schedule fires with: checked when it is made, read when it fires."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from typing import Any

from nightdrop.errors import ScheduleInvalid

_KEYS = {"message", "files", "settle_seconds", "after", "user_id"}
_SETTLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """message, and where documents come from: files is a folder, glob or path, None for a run without documents.

    settle_seconds: how long a file must have been unchanged. after: keep, delete, or move:FOLDER (beside the source).
    """

    message: str = ""
    files: str | None = None
    settle_seconds: float = _SETTLE_SECONDS
    after: str = "keep"
    user_id: str | None = None

    @property
    def root(self) -> str:
        """The folder that the documents lie in or below."""
        place = os.path.abspath(self.files or ".")
        while glob.has_magic(place) or not (os.path.isdir(place) or place == os.path.dirname(place)):
            place = os.path.dirname(place)
        return place

    @property
    def action(self) -> str | None:
        """What is noted for each file: delete, move:ABSOLUTE FOLDER, or None for keep."""
        if self.after == "keep":
            return None
        return "delete" if self.after == "delete" else f"move:{self.move_to}"

    @property
    def move_to(self) -> str | None:
        """The folder that files are moved to, None when they are not."""
        if not self.after.startswith("move:"):
            return None
        return os.path.abspath(os.path.join(self.root, self.after.removeprefix("move:")))


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
    if files is not None and (not files or "://" in files):
        raise ScheduleInvalid("give a local folder, glob or path", field="payload.files")
    after = payload.get("after") or "keep"
    if (after not in ("keep", "delete") and not after.startswith("move:")) or after == "move:":
        raise ScheduleInvalid(f"{after!r}: give keep, delete or move:FOLDER", field="payload.after")
    if after != "keep" and files is None:
        raise ScheduleInvalid("it needs payload.files", field="payload.after")
    return Payload(
        message=payload.get("message") or "",
        files=files,
        settle_seconds=float(settle),
        after=after,
        user_id=payload.get("user_id"),
    )
