"""Limits from a file: `limits.toml`, a table for each `provider` or `provider:model`."""

from __future__ import annotations

from nightdrop.limits.key import LimitKey
from nightdrop.records.rate_limit import RateLimit
from nightdrop.toml_tables import read_tables


def limit_for(key: LimitKey, path: str) -> RateLimit | None:
    """What the file says of a key, the model's own table before the provider's. Raises UsageError for a bad file."""
    found = _limits(path)
    return found.get(f"{key.provider}:{key.model}") or found.get(key.provider)


def check_limits(path: str) -> None:
    """Raises UsageError that names the file and what is wrong in it."""
    _limits(path)


def _limits(path: str) -> dict[str, RateLimit]:
    tables = read_tables(path, '["openai"] or ["openai:gpt-5.5"]')
    return {name: RateLimit.from_table(table, f"{path}, [{name!r}]") for name, table in tables.items()}
