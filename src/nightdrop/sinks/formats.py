"""What files of a sink hold, by their ending: rows as JSON, JSONL, CSV or Parquet, one for each document."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nightdrop.errors import UsageError
from nightdrop.sinks.outbox_row import order_of
from nightdrop.sinks.parquet import parquet_content, parquet_rows, text_row
from nightdrop.sinks.row import flat_row, values_first

Row = dict[str, Any]

_OF_A_SINK = ("document", "workflow_id", "run_version", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """as_kept: a row as the file holds it, `document`, `run_id`, `run_version` and `version` among its keys. read and
    write: the whole file."""

    as_kept: Callable[[Row], Row]
    read: Callable[[bytes], list[Row]]
    write: Callable[[Sequence[Row]], bytes]


def format_of(name: str) -> Format:
    """The format of a file's name. Raises UsageError for another ending, ExtraMissing for Parquet without pyarrow."""
    _, dot, ending = name.rpartition(".")
    found = _FORMATS.get(ending.lower()) if dot else None
    if found is None:
        raise UsageError(f"{name}: the name must end in {' or '.join('.' + known for known in _FORMATS)}")
    return found


def merged(form: Format, before: bytes | None, rows: Iterable[Row]) -> bytes | None:
    """The file with these rows in it, each in place of the document's earlier one; None when nothing changes.

    What is there already, or an older result than what is there, changes nothing. version: counts a document's rows.
    """
    kept = {} if before is None else {row["document"]: row for row in form.read(before)}
    changes = False
    for row in rows:
        found = kept.get(row["document"])
        if found is not None and order_of(found) >= order_of(row):
            continue
        version = 1 if found is None else int(found["version"]) + 1
        kept[row["document"]] = form.as_kept({**row, "version": version})
        changes = True
    return form.write(list(kept.values())) if changes else None


def _json_content(rows: Sequence[Row]) -> bytes:
    (row,) = rows
    return (json.dumps(row, ensure_ascii=False, indent=1) + "\n").encode()


def _jsonl_content(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _jsonl_rows(content: bytes) -> list[Row]:
    return [json.loads(line) for line in content.splitlines()]


def _flat(row: Row) -> Row:
    return {"document": row["document"], **flat_row(row), **{name: row[name] for name in _OF_A_SINK[1:]}}


def _csv_content(rows: Sequence[Row]) -> bytes:
    stream = io.StringIO(newline="")
    columns = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(stream, fieldnames=values_first(columns), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def _csv_rows(content: bytes) -> list[Row]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


_FORMATS = {
    "json": Format(as_kept=dict, read=lambda content: [json.loads(content)], write=_json_content),
    "jsonl": Format(as_kept=dict, read=_jsonl_rows, write=_jsonl_content),
    "csv": Format(as_kept=_flat, read=_csv_rows, write=_csv_content),
    "parquet": Format(
        as_kept=lambda row: text_row(row, _OF_A_SINK),
        read=parquet_rows,
        write=lambda rows: parquet_content(rows, _OF_A_SINK),
    ),
}
