"""The blob store: documents' bytes by hash, outside the rows, on any fsspec file system.

A large document is an object of its own, named by its hash. Small ones that arrive together share one pack, so
that a hundred thousand tiny documents do not become as many files. Bytes are written before the row that names
their location, and never changed.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import fsspec
import sqlalchemy as sa

from nightdrop.errors import StorageFailed
from nightdrop.records.content import Content, pieces

PACK_BELOW = 64 * 1024
"""Documents smaller than this many bytes share a pack when several are stored at once."""

PACKS = "packs/"
"""Where packs lie: each is named by 32 hexadecimal digits."""


class Blobs(Protocol):
    """Where documents' bytes are kept. root: its name for a person."""

    root: str

    def put_many(self, items: Sequence[tuple[str, Content]]) -> dict[str, str]:
        """Store (sha256, bytes) pairs and return each hash's location. Raises StorageFailed, then nothing is named."""

    def read(self, location: str) -> bytes:
        """The bytes at a location. Raises StorageFailed when they are gone."""

    def missing(self, connection: sa.Connection, locations: Sequence[str]) -> set[str]:
        """Which of these just stored locations are not there, asked in the transaction that is to name them."""

    def delete(self, connection: sa.Connection, names: Sequence[str]) -> None:
        """Delete whole objects, in the transaction that forgets them. One that is gone already is no error."""

    def scrub(self, connection: sa.Connection, location: str) -> None:
        """Overwrite a document's bytes where they lie."""

    def orphans(self, connection: sa.Connection, before_ms: int) -> Iterator[tuple[str, int]]:
        """(name, size) of objects written before a time that may be named by nothing."""


class BlobStore:
    """Bytes by sha256 below one root (a folder or an fsspec URL). fsync: force them to the disk before returning."""

    def __init__(self, root: str, *, fsync: bool = False) -> None:
        self.root = root.rstrip("/")
        self._fsync = fsync
        self._remote: Any = None
        if "://" in root and not root.startswith("file://"):
            self._remote, self.root = fsspec.core.url_to_fs(root)
        else:
            self.root = self.root.removeprefix("file://")

    @property
    def is_local(self) -> bool:
        """Whether the bytes lie in a folder of this machine."""
        return self._remote is None

    def put_many(self, items: Sequence[tuple[str, Content]]) -> dict[str, str]:
        """Store (sha256, bytes) pairs and return each hash's location. Raises StorageFailed, then nothing is named."""
        small = [(sha, data) for sha, data in items if len(data) < PACK_BELOW and isinstance(data, bytes)]
        packed = small if len(items) > 1 else []
        if len(packed) < 2:
            packed = []
        shared = {sha for sha, _ in packed}
        locations: dict[str, str] = {}
        try:
            for sha, data in items:
                if sha not in shared:
                    locations[sha] = self._put_single(sha, data)
            if packed:
                locations.update(self._put_pack(packed))
        except OSError as error:
            raise StorageFailed(f"cannot store documents in {self.root}: {error}") from error
        return locations

    def read(self, location: str) -> bytes:
        """The bytes at a location. Raises StorageFailed when they are gone."""
        name, _, span = location.partition("#")
        try:
            if not span:
                return self._read(name, None, None)
            offset, length = (int(part) for part in span.split(","))
            data = self._read(name, offset, length)
        except OSError as error:
            raise StorageFailed(f"cannot read document {location} in {self.root}: {error}") from error
        if len(data) != length:
            raise StorageFailed(f"document {location} in {self.root} is cut short")
        return data

    def missing(self, connection: sa.Connection, locations: Sequence[str]) -> set[str]:
        """Which of these are not there. On a remote place only age protects: nothing is asked."""
        del connection
        if self._remote is not None:
            return set()
        names = {location.partition("#")[0] for location in locations}
        gone = {name for name in names if not Path(self.root, name).is_file()}
        return {location for location in locations if location.partition("#")[0] in gone}

    def delete(self, connection: sa.Connection, names: Sequence[str]) -> None:
        """Delete objects; one that is gone already is no error. Raises StorageFailed."""
        del connection
        for name in names:
            try:
                if self._remote is None:
                    Path(self.root, name).unlink(missing_ok=True)
                elif self._remote.exists(f"{self.root}/{name}"):
                    self._remote.rm_file(f"{self.root}/{name}")
            except OSError as error:
                raise StorageFailed(f"cannot delete document {name} in {self.root}: {error}") from error

    def scrub(self, connection: sa.Connection, location: str) -> None:
        """Overwrite a document's bytes with zeros, also within a pack, and sync. Raises StorageFailed."""
        del connection
        name, _, span = location.partition("#")
        try:
            if self._remote is None:
                _zero(Path(self.root, name), span)
            elif span and self._remote.exists(f"{self.root}/{name}"):
                offset, length = (int(part) for part in span.split(","))
                data = bytes(self._remote.cat_file(f"{self.root}/{name}"))
                self._remote.pipe_file(f"{self.root}/{name}", data[:offset] + bytes(length) + data[offset + length :])
        except OSError as error:
            raise StorageFailed(f"cannot erase document {location} in {self.root}: {error}") from error

    def orphans(self, connection: sa.Connection, before_ms: int) -> Iterator[tuple[str, int]]:
        """(name, size) of every file last written before a time, of unfinished ones too. Only of a local folder."""
        del connection
        if self._remote is not None or not Path(self.root).is_dir():
            return
        for path in Path(self.root).rglob("*"):
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            if path.is_file() and facts.st_mtime * 1000 < before_ms:
                yield path.relative_to(self.root).as_posix(), facts.st_size

    def _put_single(self, sha: str, data: Content) -> str:
        name = f"{sha[:2]}/{sha}"
        self._write(name, data)
        return name

    def _put_pack(self, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        name = f"{PACKS}{uuid.uuid4().hex}"
        locations, offset = {}, 0
        for sha, data in items:
            locations[sha] = f"{name}#{offset},{len(data)}"
            offset += len(data)
        self._write(name, b"".join(data for _, data in items))
        return locations

    def _write(self, name: str, data: Content) -> None:
        if self._remote is not None:
            self._write_remote(f"{self.root}/{name}", data)
            return
        path = Path(self.root, name)
        if path.is_file() and path.stat().st_size == len(data):
            with suppress(FileNotFoundError):  # removed just now: the transaction that names it will see
                os.utime(path)  # as good as written now
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            with partial.open("wb") as stream:
                for piece in pieces(data):
                    stream.write(piece)
                if self._fsync:
                    stream.flush()
                    os.fsync(stream.fileno())
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        if self._fsync:
            _sync_folder(path.parent)

    def _write_remote(self, path: str, data: Content) -> None:
        if isinstance(data, bytes):
            self._remote.pipe_file(path, data)
            return
        with self._remote.open(path, "wb") as stream:
            for piece in pieces(data):
                stream.write(piece)

    def _read(self, name: str, offset: int | None, length: int | None) -> bytes:
        if self._remote is not None:
            end = None if offset is None or length is None else offset + length
            return bytes(self._remote.cat_file(f"{self.root}/{name}", start=offset, end=end))
        with Path(self.root, name).open("rb") as stream:
            stream.seek(offset or 0)
            return stream.read(-1 if length is None else length)


def _zero(path: Path, span: str) -> None:
    if not path.is_file():
        return
    offset, length = (int(part) for part in span.split(",")) if span else (0, path.stat().st_size)
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(bytes(length))
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
