"""Sources that somebody else names: only below the folders, and the URLs, that whoever runs the service allowed."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from nightdrop.errors import PathRefused
from nightdrop.intake.fetch import local_path
from nightdrop.intake.listing import Entry, SourceKind, list_source
from nightdrop.records.file import File, shown_url, storable

_WEB = ("http://", "https://")


def list_allowed(source: str, roots: Sequence[str], kind: SourceKind = "auto") -> Iterator[Entry]:
    """`list_source` of a source that somebody else names. Raises PathRefused, and as `list_source`.

    Paths that it leads to, by links or in a manifest, are held against the roots once more when they are read; URLs in
    a manifest, and http(s) ones, reach public addresses only.
    """
    check_allowed(source, roots)
    if source.startswith(_WEB):
        return iter([File(url=source, guarded=True)])
    return (_guarded(entry, tuple(roots)) for entry in list_source(source, kind))


def check_allowed(source: str, roots: Sequence[str]) -> None:
    """Whether a source may be named at all: below a root, links followed, or behind http(s). Raises PathRefused."""
    text = local_path(source) if source.startswith("file://") else source
    if text.startswith(_WEB):
        return
    if "://" in text:
        if "::" not in text and ".." not in text.split("/") and any(_is_url_below(text, root) for root in roots):
            return
        raise PathRefused(f"{shown_url(text)} is below nothing that --allow-path names")
    place = text
    while glob.has_magic(place):
        place = os.path.dirname(place)
    check_below(place or ".", roots)


def check_below(path: str | os.PathLike[str], roots: Sequence[str]) -> str:
    """The real path, if it is below one of the folders. Raises PathRefused."""
    shown = storable(os.fspath(path))
    try:
        real = os.path.realpath(path)
    except (OSError, ValueError) as error:  # a NUL byte in the path
        raise PathRefused(f"{shown} is no path") from error
    for root in roots:
        if "://" not in root and os.path.commonpath([real, os.path.realpath(root)]) == os.path.realpath(root):
            return real
    raise PathRefused(f"{shown} is below nothing that --allow-path names")


def _is_url_below(url: str, root: str) -> bool:
    return "://" in root and (url == root or url.startswith(root.rstrip("/") + "/"))


def _guarded(entry: Entry, roots: tuple[str, ...]) -> Entry:
    if not isinstance(entry, File):
        return entry  # what a source below an allowed URL lists
    return replace(entry, guarded=True) if entry.url is not None else replace(entry, within=roots)
