"""Writing result rows to a file: into a sibling first, which takes the name only when every row is in it."""

from __future__ import annotations

import csv
import glob
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from nightdrop.errors import StorageFailed, UsageError
from nightdrop.faults import reach
from nightdrop.sinks.parquet import arrow, write_parquet
from nightdrop.sinks.row import COLUMNS, flat_row, values_first

ENDINGS = (".jsonl", ".csv", ".parquet")


def check_target(path: Path) -> None:
    """Refuse a target that could not be written at the end, before any work. Raises UsageError, ExtraMissing."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"--out {path}: the name must end in {' or '.join(ENDINGS)}")
    if path.suffix.lower() == ".parquet":
        arrow()
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"--out {path}: {'it is a folder' if path.is_dir() else f'there is no folder {path.parent}'}")
    try:
        for sibling in (_sibling(path, "part"), _sibling(path, "rows")):
            sibling.touch()
            sibling.unlink()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--out {path}: it cannot be written: {reason}") from error


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write every row as JSONL, CSV or Parquet (by ending); returns how many. On any error the old file stays.

    Raises StorageFailed when the disk refuses it.
    """
    try:
        _tidy(path)
        if path.suffix.lower() == ".parquet":
            return _replaced_by_parquet(path, rows)
        with _replacing(path) as stream:
            return _write_csv(stream, path, rows) if path.suffix.lower() == ".csv" else _write_jsonl(stream, rows)
    except OSError as error:
        raise StorageFailed(f"the results cannot be written to {path}: {error.strerror or error}") from error


def _replaced_by_parquet(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    partial = _sibling(path, "part")
    try:
        count = write_parquet(partial, rows)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        reach("out.written")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _sibling(path: Path, ending: str) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{ending}")


def _tidy(path: Path) -> None:
    """Delete what processes that were killed while they wrote this file have left beside it."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        pid, _, ending = left.name.removeprefix(f".{path.name}.").partition(".")
        if ending in ("part", "rows") and pid.isdecimal() and not _is_alive(int(pid)):
            left.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


@contextmanager
def _replacing(path: Path) -> Iterator[IO[str]]:
    partial = _sibling(path, "part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        reach("out.written")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_jsonl(stream: IO[str], rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    for row in rows:
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def _write_csv(stream: IO[str], path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Columns are known only after the last row: rows wait as JSONL beside the target, not in memory."""
    waiting = _sibling(path, "rows")
    columns = dict.fromkeys(COLUMNS)
    count = 0
    try:
        with waiting.open("w+", encoding="utf-8") as spool:
            for row in rows:
                flat = flat_row(row)
                columns.update(dict.fromkeys(flat))
                spool.write(json.dumps(flat, ensure_ascii=False) + "\n")
                count += 1
            spool.seek(0)
            writer = csv.DictWriter(stream, fieldnames=values_first(columns), restval="")
            writer.writeheader()
            for line in spool:
                writer.writerow(json.loads(line))
    finally:
        waiting.unlink(missing_ok=True)
    return count
