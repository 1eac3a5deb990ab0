"""Files of the user's that hold nothing but tables, such as `limits.toml`: read again when they change."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from nightdrop.errors import UsageError


def read_tables(path: str, begins_with: str) -> dict[str, dict[str, Any]]:
    """The file's tables by name, none when there is no file. begins_with: what to say of a value outside of them.

    Raises UsageError that names the file and what is wrong in it.
    """
    try:
        changed = Path(path).stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    return _read(path, changed, begins_with)


@lru_cache(maxsize=16)
def _read(path: str, _changed: int, begins_with: str) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
    wrong = [name for name, table in tables.items() if not isinstance(table, dict)]
    if wrong:
        raise UsageError(f"{path}: {wrong[0]} stands outside of a table; begin with {begins_with}")
    return tables
