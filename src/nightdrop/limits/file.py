"""Limits from a file: `limits.toml`, a table for each `provider` or `provider:model`."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from nightdrop.errors import UsageError
from nightdrop.limits.key import LimitKey
from nightdrop.records.rate_limit import RateLimit


def limit_for(key: LimitKey, path: str) -> RateLimit | None:
    """What the file says of a key, the model's own table before the provider's. Raises UsageError for a bad file."""
    found = _limits(path)
    return found.get(f"{key.provider}:{key.model}") or found.get(key.provider)


def check_limits(path: str) -> None:
    """Raises UsageError that names the file and what is wrong in it."""
    _limits(path)


def _limits(path: str) -> dict[str, RateLimit]:
    try:
        changed = Path(path).stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    return _read(path, changed)


@lru_cache(maxsize=8)
def _read(path: str, _changed: int) -> dict[str, RateLimit]:
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
    wrong = [name for name, table in tables.items() if not isinstance(table, dict)]
    if wrong:
        raise UsageError(f'{path}: {wrong[0]} stands outside of a table; begin with ["openai"] or ["openai:gpt-5.5"]')
    return {name: RateLimit.from_table(table, f"{path}, [{name!r}]") for name, table in tables.items()}
