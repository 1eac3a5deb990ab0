"""Result rows as Parquet: the columns of a result row, content and fields as JSON; a thousand rows in memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
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
    schema = pyarrow.schema([(name, pyarrow.string()) for name in _NAMES])
    left, count = iter(rows), 0
    with pyarrow.parquet.ParquetWriter(str(path), schema) as writer:
        while portion := [_flat(row) for row in itertools.islice(left, _TOGETHER)]:
            writer.write_table(pyarrow.Table.from_pylist(portion, schema=schema))
            count += len(portion)
    return count


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    text = {name: None if row[name] is None else json.dumps(row[name], ensure_ascii=False) for name in _JSON}
    return {name: text[name] if name in _JSON else row[name] for name in _NAMES}
