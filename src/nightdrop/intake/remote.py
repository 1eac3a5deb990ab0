"""Documents on any fsspec file system: listed as a stream, read whole, put away only when they are as they were."""

from __future__ import annotations

import logging
import posixpath
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from fsspec.utils import glob_translate

from nightdrop.errors import FileMissing, FileUnreadable, NightdropError, SourceNotFound, SourceUnreadable
from nightdrop.faults import reach
from nightdrop.intake.fetch import too_large
from nightdrop.records.source import Found
from nightdrop.servers.filesystem import Place, forget, modified_ms, place_of, version_of
from nightdrop.servers.paths import magic_root
from nightdrop.servers.schemes import ARCHIVES

log = logging.getLogger("nightdrop.intake")

T = TypeVar("T")

UNFINISHED = (".part", ".tmp", ".partial", ".filepart", ".crdownload")
"""What programs name a file that they have not finished writing."""

_PAUSES = (0.5, 2.0)  # seconds before a file is tried again: at night, lines break off


class Remote:
    """The `Source` of every scheme that fsspec knows."""

    def list(self, url: str) -> Iterator[Found]:
        """Files of a folder and below it, of a glob, or the one file. Raises SourceNotFound, SourceUnreadable."""
        with _listing(url):
            place = place_of(url)
            root, pattern = magic_root(place.path)
            info = place.ask("info", root or "/") if root.strip("/") else {"type": "directory"}
        if pattern:
            return _files(url, place, root, re.compile(glob_translate(pattern)), depth=_depth(pattern))
        if info["type"] != "directory":
            return iter([_found(place, info | {"name": root})])
        return _files(url, place, root, None, depth=None)

    def read(self, url: str, max_bytes: int, size: int | None = None) -> bytes:
        """A whole file, asked for up to three times when the connection breaks off."""
        return _tried(url, lambda: _read(url, max_bytes, size))

    def put_away(self, url: str, version: str, after: str, name: str) -> bool:
        """Delete or move a file that is as it was. A move that was begun before and not ended is ended."""
        try:
            place = place_of(url)
            info = _info(place)
            if info is None or version_of(info) != version:
                return True
            if after != "delete":
                _move(place, info, place_of(after.removeprefix("move:")), name)
            else:
                place.ask("rm_file", place.path)
        except FileNotFoundError:
            return True
        except Exception as error:  # noqa: BLE001 - an edge: each file system raises its own; it is tried again
            forget(url)
            log.warning("%s: %s is not possible: %s", url, after, error)
            return False
        reach("after.done")
        return True


def _files(url: str, place: Place, root: str, pattern: re.Pattern[str] | None, *, depth: int | None) -> Iterator[Found]:
    """Files before folders, folder by folder; hidden and unfinished ones are left out."""
    start = root.rstrip("/")
    pending = [(start, 0)]
    while pending:
        folder, level = pending.pop()
        below: list[tuple[str, int]] = []
        with _listing(url):
            for info in place.entries(folder or "/"):
                name = posixpath.basename(str(info["name"]).rstrip("/"))
                if not name or name.startswith(".") or name.endswith(UNFINISHED):
                    continue
                path = f"{folder}/{name}"
                info = _followed(place, path, info)
                if info["type"] == "directory":
                    if depth is None or level + 1 < depth:
                        below.append((path, level + 1))
                elif pattern is None or pattern.match(path[len(start) :].lstrip("/")):
                    yield _found(place, info | {"name": path})
        pending.extend(sorted(below, reverse=True))


def _followed(place: Place, path: str, info: dict[str, Any]) -> dict[str, Any]:
    """What a link leads to; one that leads nowhere is a file that is refused when it is read."""
    if info["type"] not in ("link", "other"):
        return info
    try:
        found: dict[str, Any] = place.ask("info", path)
    except FileNotFoundError:
        return info | {"type": "file"}
    return info | {"type": "file"} if found["type"] == "directory" else found  # links to folders may go in circles


def _depth(pattern: str) -> int | None:
    """How many levels of folders a pattern looks into, None for all."""
    return None if "**" in pattern else pattern.count("/") + 1


def _found(place: Place, info: dict[str, Any]) -> Found:
    size = info.get("size")
    return Found(
        url=place.url(str(info["name"])),
        version=version_of(info),
        size=size if isinstance(size, int) else None,
        modified_ms=modified_ms(info),
    )


def _info(place: Place) -> dict[str, Any] | None:
    try:
        return place.info()
    except FileNotFoundError:
        return None


def _read(url: str, max_bytes: int, size: int | None) -> bytes:
    place = place_of(url)
    if size is None:
        info = _info(place)
        if info is None:
            raise FileMissing(f"there is no file at {url}")
        size = info.get("size")
        if info["type"] == "directory":
            raise FileUnreadable(f"{url} is not a regular file")
    if size is not None and size > max_bytes:
        raise too_large(url, size, max_bytes)
    if size is None or url.partition("://")[0] in ARCHIVES:
        with place.fs.open(place.path, "rb") as stream:
            content = bytes(stream.read(max_bytes + 1))
    else:
        content = place.whole(size)
    if len(content) > max_bytes:
        raise too_large(url, len(content), max_bytes)
    if size is not None and len(content) < size:
        raise ConnectionError(f"only {len(content)} of {size} bytes came")
    return content


def _tried(url: str, attempt: Callable[[], T]) -> T:
    for pause in (*_PAUSES, None):
        try:
            return attempt()
        except NightdropError:
            raise
        except PermissionError as error:
            raise FileUnreadable(f"{url} cannot be read: {_words(error)}") from error
        except Exception as error:  # an edge: each file system raises its own
            forget(url)
            if pause is not None:
                time.sleep(pause)
                continue
            kind = FileMissing if isinstance(error, FileNotFoundError) else FileUnreadable
            raise kind(f"{url} cannot be read: {_words(error)}") from error
    raise AssertionError("unreachable")


@contextmanager
def _listing(url: str) -> Iterator[None]:
    try:
        yield
    except (NightdropError, GeneratorExit):
        raise
    except FileNotFoundError as error:
        raise SourceNotFound(f"there is no file, folder or bucket {url}") from error
    except Exception as error:
        forget(url)
        raise SourceUnreadable(f"{url} cannot be listed: {_words(error)}") from error


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _move(place: Place, info: dict[str, Any], folder: Place, name: str) -> None:
    """Rename, or copy and then delete, into a folder of the same file system. Nothing is overwritten.

    A copy that an earlier, killed move has made is not made again.
    """
    target = replace(folder, path=posixpath.join(folder.path, posixpath.basename(place.path)))
    there = _info(target)
    if there is not None and not _same(place, info, target, there):
        stem, ending = posixpath.splitext(target.path)
        target = replace(target, path=f"{stem}-{name}{ending}")
        there = _info(target)
        if there is not None and not _same(place, info, target, there):
            raise FileExistsError(f"{target.path} is taken")
    if there is None and place.can_rename:
        place.ask("makedirs", folder.path, exist_ok=True)
        place.rename(target.path)
        return
    if there is None:
        place.copy(target.path, int(info.get("size") or 0))
        reach("after.copied")
    place.ask("rm_file", place.path)


def _same(place: Place, info: dict[str, Any], target: Place, there: dict[str, Any]) -> bool:
    """Whether the target is a copy that an earlier, killed move has made."""
    if there.get("size") != info.get("size"):
        return False
    size = int(info.get("size") or 0)
    return bool(target.ask("cat_file", target.path, size=size) == place.ask("cat_file", place.path, size=size))
