"""Result rows as Parquet: the columns of a result row, content and fields as JSON; a thousand rows in memory."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nightdrop.errors import ExtraMissing
from nightdrop.sinks.row import COLUMNS

_JSON = ("content", "fields", "error")
_NAMES = (*(name for name in COLUMNS if name not in _JSON), *_JSON)
_TOGETHER = 1000


def arrow() -> Any:
    """pyarrow, an optional extra. Raises ExtraMissing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ExtraMissing('Parquet needs: pip install "nightdrop[parquet]"') from error
    return pyarrow


def write_parquet(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write every row, each column as text, and return how many. Raises OSError when the disk refuses it."""
    pyarrow = arrow()
    schema = _schema(pyarrow, _NAMES)
    left, count = iter(rows), 0
    with pyarrow.parquet.ParquetWriter(str(path), schema) as writer:
        while portion := [text_row(row) for row in itertools.islice(left, _TOGETHER)]:
            writer.write_table(pyarrow.Table.from_pylist(portion, schema=schema))
            count += len(portion)
    return count


def text_row(row: dict[str, Any], more: Sequence[str] = ()) -> dict[str, Any]:
    """A result row and these keys of it as text: content, fields and error as JSON."""
    kept = {name: None if row[name] is None else str(row[name]) for name in (*_NAMES, *more)}
    return kept | {name: None if row[name] is None else json.dumps(row[name], ensure_ascii=False) for name in _JSON}


def parquet_content(rows: Sequence[dict[str, Any]], more: Sequence[str]) -> bytes:
    """A whole file of rows that `text_row` made."""
    pyarrow = arrow()
    table = pyarrow.Table.from_pylist(list(rows), schema=_schema(pyarrow, (*_NAMES, *more)))
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out)
    return out.getvalue()


def parquet_rows(content: bytes) -> list[dict[str, Any]]:
    """The rows of a whole file."""
    found: list[dict[str, Any]] = arrow().parquet.read_table(io.BytesIO(content)).to_pylist()
    return found


def _schema(pyarrow: Any, names: Sequence[str]) -> Any:
    return pyarrow.schema([(name, pyarrow.string()) for name in names])
