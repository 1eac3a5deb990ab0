"""Result rows of a watch, appended to a JSONL file as documents end: each once, also across a kill."""

from __future__ import annotations

import fcntl
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any

from nightdrop.errors import StorageFailed, UsageError


class RowsFile:
    """The file is its own record of what is in it: read once at the start, locked against a second watch."""

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() != ".jsonl":
            raise UsageError(f"--out {path}: a watch appends, so the name must end in .jsonl; sinks take tables")
        try:
            self._stream: IO[bytes] = path.open("a+b")
        except OSError as error:
            raise UsageError(f"--out {path}: it cannot be written: {error.strerror or error}") from error
        self._path = path
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._stream.close()
            raise UsageError(f"--out {path}: another process writes to it") from error
        self._cut_torn_line()

    def missing(self, documents: Mapping[str, int]) -> dict[str, set[str]]:
        """Of these batches with their counts of documents, the ones that are not whole in the file, with the runs
        that are."""
        counts = Counter(batch_id for batch_id, _ in self._keys(documents))
        partial = {batch_id for batch_id, count in documents.items() if counts[batch_id] < count}
        found: dict[str, set[str]] = defaultdict(set)
        for batch_id, run_id in self._keys(partial):
            found[batch_id].add(run_id)
        return {batch_id: found[batch_id] for batch_id in documents if batch_id in partial}

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row. Raises StorageFailed when the disk refuses it; the row is then written at the next start."""
        try:
            self._stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            self._stream.flush()
        except OSError as error:
            raise StorageFailed(f"the results cannot be written to {self._path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Let another process write."""
        self._stream.close()

    def _keys(self, batches: Collection[str]) -> Any:
        self._stream.seek(0)
        for line in self._stream:
            row = json.loads(line)
            if row["batch_id"] in batches:
                yield row["batch_id"], row["run_id"]

    def _cut_torn_line(self) -> None:
        """A kill in mid-write leaves half a row: it is written again whole."""
        self._stream.seek(0)
        whole = 0
        for line in self._stream:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            self._check(line)
        self._stream.truncate(whole)

    def _check(self, line: bytes) -> None:
        try:
            row = json.loads(line)
            is_row = isinstance(row, dict) and {"batch_id", "run_id"} <= row.keys()
        except ValueError:
            is_row = False
        if not is_row:
            self._stream.close()
            raise UsageError(f"--out {self._path}: it holds something else than result rows, and is left alone")
