"""A folder here, on a server or in a bucket as a sink: one JSON file for each document."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nightdrop.servers.filesystem import Place, forget, place_of
from nightdrop.sinks.outbox_row import order_of


def put_in_folder(url: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write `DOCUMENT.json` for each row, whole or not at all; an older result never replaces a later one."""
    if "://" not in url or url.startswith("file://"):
        folder = Path(url.removeprefix("file://"))
        folder.mkdir(parents=True, exist_ok=True)
        for row in rows:
            _put_here(folder / f"{row['document']}.json", row)
        return
    try:
        for row in rows:
            _put_there(place_of(f"{url.rstrip('/')}/{row['document']}.json"), row)
    except Exception:
        forget(url)
        raise


def _put_here(path: Path, row: dict[str, Any]) -> None:
    content = _content(path.read_bytes() if path.exists() else None, row)
    if content is None:
        return
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)  # on a full disk it would take room for ever


def _put_there(place: Place, row: dict[str, Any]) -> None:
    try:
        before: bytes | None = place.ask("cat_file", place.path)
    except FileNotFoundError:
        before = None
    content = _content(before, row)
    if content is None:
        return
    if not place.can_rename:
        place.ask("pipe_file", place.path, content, size=len(content))  # a bucket takes an object whole or not at all
        return
    folder, _, name = place.path.rpartition("/")
    place.ask("makedirs", folder or "/", exist_ok=True)
    partial = f"{folder}/.{name}.{uuid.uuid4().hex[:8]}.part"
    try:
        place.ask("pipe_file", partial, content, size=len(content))
        place.replace_by(partial)
    except Exception:
        with suppress(Exception):  # what has failed may be the connection
            place.ask("rm_file", partial)
        raise


def _content(before: bytes | None, row: dict[str, Any]) -> bytes | None:
    """The file as it is to be, None when what is there is this result or a later one."""
    version = 1
    if before is not None:
        found = json.loads(before)
        if order_of(found) >= order_of(row):
            return None
        version = int(found["version"]) + 1
    return (json.dumps({**row, "version": version}, ensure_ascii=False, indent=1) + "\n").encode()
