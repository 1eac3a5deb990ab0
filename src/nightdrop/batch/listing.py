"""A source being gone through in chunks: nothing taken from it is forgotten before it is committed."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence

from nightdrop.intake.listing import Entry
from nightdrop.intake.take import Listed, look_at
from nightdrop.records.source import Found

_CHUNK_FILES = 500


class Listing:
    """Chunks of a source; a chunk counts as pending until it is confirmed, and `rewind` hands pending ones out again.

    leave_out: files and folders that are no documents: the database itself, its blobs, the results file.
    When the source breaks, what came before is handed out first, then its error is raised.
    """

    def __init__(self, files: Iterator[Entry], leave_out: Sequence[str] = ()) -> None:
        self._files = files
        self._own = {os.path.realpath(path) for path in leave_out}
        self._own_names = {os.path.basename(path) for path in self._own}
        self._pending: deque[list[Listed]] = deque()
        self._again: deque[list[Listed]] = deque()
        self._error: Exception | None = None
        self._lock = threading.Lock()

    def next_chunk(self) -> list[Listed]:
        """The next documents, empty at the end; one that is named twice among them is one. Blocks."""
        with self._lock:
            chunk = self._again.popleft() if self._again else self._read()
            if chunk:
                self._pending.append(chunk)
            return chunk

    def confirm(self, chunk: list[Listed]) -> None:
        """Say that every document of a chunk is committed."""
        self._pending.remove(chunk)

    def rewind(self) -> None:
        """Hand out again what was never confirmed; waits for a chunk that is being read."""
        with self._lock:
            self._again.extend(self._pending)
            self._pending.clear()

    def _read(self) -> list[Listed]:
        if self._error is not None:
            raise self._error
        chunk: dict[str, Listed] = {}
        try:
            while not chunk:
                files = list(itertools.islice(self._counted(chunk), _CHUNK_FILES))
                if not files:
                    break
        except Exception as error:  # the caller's own source: raised once its documents are in
            if not chunk:
                raise
            self._error = error
        return list(chunk.values())

    def _counted(self, chunk: dict[str, Listed]) -> Iterator[Entry]:
        """The files as they come, each noted in the chunk at once, so that a source that breaks loses none."""
        for file in self._files:
            if not self._is_own(file):
                listed = look_at(file)
                chunk[listed.key] = listed
            yield file

    def _is_own(self, file: Entry) -> bool:
        if isinstance(file, Found) or file.filepath is None or not self._own:
            return False
        path = os.fspath(file.filepath)
        if not any(name in path for name in self._own_names):
            return False
        real = os.path.realpath(path)
        return any(real == own or real.startswith(own + os.sep) for own in self._own)
