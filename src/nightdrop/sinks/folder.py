"""Files as a sink: one for each document, in a folder here, on a server or in a bucket; or one here for all of them."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nightdrop.errors import StorageFailed
from nightdrop.records.sink import folder_and_name
from nightdrop.servers.filesystem import Place, forget, place_of
from nightdrop.sinks.formats import Format, format_of, merged


def put_in_folder(url: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write a file for each row, whole or not at all: `DOCUMENT.json`, or as `*.parquet` at the URL's end says.

    An older result never replaces a later one.
    """
    folder, name = folder_and_name(url)
    form = format_of(name)
    if "://" not in folder or folder.startswith("file://"):
        here = Path(folder.removeprefix("file://"))
        here.mkdir(parents=True, exist_ok=True)
        for row in rows:
            _put_here(here / name.replace("*", row["document"]), form, [row])
        return
    try:
        for row in rows:
            _put_there(place_of(f"{folder}/{name.replace('*', row['document'])}"), form, row)
    except Exception:
        forget(folder)
        raise


def put_in_file(url: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write all rows into one file here, which is replaced whole: those of other documents stay.

    One process at a time: the others wait for the lock of a file beside it.
    """
    path = Path(url.removeprefix("file://"))
    form = format_of(path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            _put_here(path, form, rows)
        except (KeyError, ValueError) as error:  # it is another program's, or damaged: it stays as it is
            raise StorageFailed(f"{path} is no file of results: {type(error).__name__}: {error}") from error


def _put_here(path: Path, form: Format, rows: Sequence[dict[str, Any]]) -> None:
    content = merged(form, path.read_bytes() if path.exists() else None, rows)
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


def _put_there(place: Place, form: Format, row: dict[str, Any]) -> None:
    try:
        before: bytes | None = place.ask("cat_file", place.path)
    except FileNotFoundError:
        before = None
    content = merged(form, before, [row])
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
