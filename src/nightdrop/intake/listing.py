"""What a source names: a folder, a glob, one file, a manifest, a URL, or the caller's own iterable. Streams."""

from __future__ import annotations

import csv
import glob
import io
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from nightdrop.errors import SourceNotFound, UsageError
from nightdrop.intake.fetch import local_path
from nightdrop.intake.remote import UNFINISHED
from nightdrop.intake.sources import source_of
from nightdrop.records.file import File
from nightdrop.records.source import Found
from nightdrop.servers.credentials import refuse_password

Given = str | os.PathLike[str] | File | Iterable[str | os.PathLike[str] | File]
Entry = File | Found
SourceKind = Literal["auto", "manifest"]

_MAGIC = "*?["
_COLUMNS = ("path", "file", "filepath", "filename", "url")


def source_label(source: Given) -> str | None:
    """The source as text, when it names itself; None for an iterable."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return source.source if isinstance(source, File) else None


def list_source(source: Given, kind: SourceKind = "auto") -> Iterator[Entry]:
    """The documents of a source in a stable order (folders sorted by path, recursively; hidden ones left out).

    A manifest is a .jsonl, or a .csv or .txt whose entries are paths; kind="manifest" says that any file is one.
    Raises SourceNotFound when nothing of that name exists, UsageError for a manifest that cannot be understood,
    SourceUnreadable when a remote one cannot be asked now.
    """
    if isinstance(source, File):
        return iter([source])
    if not isinstance(source, str | os.PathLike):
        return (_as_file(entry) for entry in source)
    text = os.fspath(source)
    if text.startswith("file://"):
        text = local_path(text)
    elif "://" in text:
        return _remote(text)
    if os.path.isdir(text):
        return _walk(text)
    if os.path.lexists(text):
        if kind == "manifest" or _looks_like_manifest(text):
            return _manifest(text)
        return iter([File(filepath=text)])
    if any(c in text for c in _MAGIC):
        return _glob(text)
    raise SourceNotFound(f"there is no file, folder, glob or manifest {text!r}")


def _remote(url: str) -> Iterator[Entry]:
    refuse_password(url)
    source = source_of(url)
    return iter([File(url=url)]) if source is None else source.list(url)


def _as_file(entry: str | os.PathLike[str] | File) -> File:
    if isinstance(entry, File):
        return entry
    if isinstance(entry, str) and "://" in entry:
        return File(url=entry)
    return File(filepath=entry)


def _walk(root: str) -> Iterator[File]:
    """Files below a folder, links followed, no folder entered twice (a loop of links ends there)."""
    seen: set[tuple[int, int]] = set()
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            found = os.stat(folder)
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda e: e.name)
        except OSError:
            yield File(filepath=folder)  # refused as unreadable when it is taken, so that it is seen
            continue
        folders = []
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(UNFINISHED):
                continue
            if _is_folder(entry):
                folders.append(entry.path)
            else:
                yield File(filepath=entry.path)
        pending.extend(reversed(folders))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _glob(pattern: str) -> Iterator[File]:
    found = (p for p in sorted(glob.iglob(pattern, recursive=True)) if not os.path.isdir(p))
    first = next(found, None)
    if first is None:
        raise SourceNotFound(f"no file matches {pattern!r}")

    def files() -> Iterator[File]:
        yield File(filepath=first)
        for path in found:
            yield File(filepath=path)

    return files()


def _looks_like_manifest(path: str) -> bool:
    ending = Path(path).suffix.lower()
    if os.path.exists(path) and not os.path.isfile(path):
        return False  # opening a pipe would wait for whoever writes to it
    if ending == ".jsonl":
        return True
    if ending not in (".csv", ".txt"):
        return False
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            first = _first_line(stream)
    except (OSError, UnicodeDecodeError):
        return False
    if ending == ".csv":
        return _path_column(first) is not None
    return bool(first) and ("://" in first or os.path.lexists(_resolve(first, path)))


def _first_line(stream: io.TextIOBase) -> str:
    """The first line that is neither blank nor a comment; the stream stands behind it."""
    return next((line.strip() for line in stream if line.strip() and not line.startswith("#")), "")


def _manifest(path: str) -> Iterator[File]:
    try:
        stream = open(path, encoding="utf-8-sig", errors="surrogateescape", newline="")  # noqa: SIM115 - the generator closes it
    except OSError as error:
        raise SourceNotFound(f"the manifest {path} cannot be read: {error.strerror}") from error
    ending = Path(path).suffix.lower()
    entries = {".jsonl": _jsonl_entries, ".csv": _csv_entries}.get(ending, _text_entries)

    def files() -> Iterator[File]:
        with stream:
            for entry in entries(stream, path):
                yield File(url=entry) if "://" in entry else File(filepath=_resolve(entry, path))

    return files()


def _text_entries(stream: io.TextIOBase, _path: str) -> Iterator[str]:
    for line in stream:
        entry = line.rstrip("\r\n")
        if entry.strip() and not entry.startswith("#"):
            yield entry


def _csv_entries(stream: io.TextIOBase, path: str) -> Iterator[str]:
    header = _first_line(stream)
    found = _path_column(header)
    if found is None:
        raise UsageError(f"the manifest {path} has no column named {', '.join(_COLUMNS)}; it has {header!r}")
    delimiter, column = found
    for row in csv.reader(stream, delimiter=delimiter):
        if len(row) > column and row[column].strip():
            yield row[column]


def _path_column(header: str) -> tuple[str, int] | None:
    """(delimiter, index) of the column that names the documents; `;` is what a European Excel saves."""
    for delimiter in ",;\t":
        names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
        for wanted in _COLUMNS:
            if wanted in names:
                return delimiter, names.index(wanted)
    return None


def _jsonl_entries(stream: io.TextIOBase, path: str) -> Iterator[str]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            entry: Any = json.loads(line)
        except json.JSONDecodeError as error:
            raise UsageError(f"{path}, line {number}: not JSON: {error.msg}") from error
        if isinstance(entry, dict):
            entry = next((entry[name] for name in _COLUMNS if entry.get(name)), None)
        if not isinstance(entry, str):
            raise UsageError(f"{path}, line {number}: neither a path nor an object with {', '.join(_COLUMNS)}")
        yield entry


def _resolve(entry: str, manifest: str) -> str:
    """A path of a manifest: as given if absolute, else beside the manifest, else below the working folder."""
    if os.path.isabs(entry):
        return entry
    beside = os.path.join(os.path.dirname(manifest), entry)
    return beside if os.path.lexists(beside) or not os.path.lexists(entry) else entry
