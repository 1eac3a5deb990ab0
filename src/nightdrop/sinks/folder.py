"""Files as a sink: one for each document, in a folder here, on a server or in a bucket; or one here for all of them."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from nightdrop.errors import StorageFailed
from nightdrop.faults import reach
from nightdrop.records.sink import folder_and_name
from nightdrop.servers.filesystem import Place, forget, place_of
from nightdrop.sinks.formats import Format, format_of, merged
from nightdrop.sinks.outbox_row import order_of


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
    """Write all rows into one file here, which is replaced whole: those of other documents stay."""
    path = Path(url.removeprefix("file://"))
    form = format_of(path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _put_here(path, form, rows)
    except (KeyError, ValueError) as error:  # it is another program's, or damaged: it stays as it is
        raise StorageFailed(f"{path} is no file of results: {type(error).__name__}: {error}") from error


def _put_here(path: Path, form: Format, rows: Sequence[dict[str, Any]]) -> None:
    with _next(path) as stream:
        content = merged(form, path.read_bytes() if path.exists() else None, rows)
        if content is None:
            return
        stream.truncate(0)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
        reach("sink.written")
        os.replace(stream.name, path)


@contextmanager
def _next(path: Path) -> Iterator[IO[bytes]]:
    """The file that is to replace this one, which is read and written by one at a time: the others wait for its lock.

    Its name is always the same, so that the next one takes over what a killed one has left. What has not replaced the
    file is deleted: on a full disk it would take room for ever.
    """
    partial = path.with_name(f".{path.name}.part")
    while True:
        with partial.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if not _is_still(partial, stream):  # the one before has given it the file's name, or deleted it
                continue
            try:
                yield stream
            finally:
                if _is_still(partial, stream):
                    partial.unlink()
            return


def _is_still(path: Path, stream: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _put_there(place: Place, form: Format, row: dict[str, Any]) -> None:
    try:
        before: bytes | None = place.ask("cat_file", place.path)
    except FileNotFoundError:
        before = None
    content = merged(form, before, [row])
    if content is None:
        if not place.puts_whole:
            _drop(place, _partial(place, row))
        return
    if place.puts_whole:
        place.ask("pipe_file", place.path, content, size=len(content))
        return
    partial = _partial(place, row)
    place.ask("makedirs", partial.rpartition("/")[0] or "/", exist_ok=True)
    try:
        place.ask("pipe_file", partial, content, size=len(content))
        reach("sink.written")
        place.replace_by(partial)
    except Exception:
        _drop(place, partial)
        raise


def _partial(place: Place, row: dict[str, Any]) -> str:
    """The temporary name of this result alone: the next try takes over what a killed one has left, and another result
    of the document that is put meanwhile has its own."""
    folder, _, name = place.path.rpartition("/")
    key = hashlib.sha256("\0".join(map(str, order_of(row))).encode()).hexdigest()[:8]
    return f"{folder}/.{name}.{key}.part"


def _drop(place: Place, partial: str) -> None:
    with suppress(Exception):  # it is not there; or what has failed is the connection
        place.ask("rm_file", partial)
