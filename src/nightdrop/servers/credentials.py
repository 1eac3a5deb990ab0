"""How a source is signed in to: options from `sources.toml` by the beginning of its URL, never from rows or logs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nightdrop.errors import UsageError
from nightdrop.settings import load_settings
from nightdrop.toml_tables import read_tables


def refuse_password(url: str) -> None:
    """A URL is written into rows and logs: refuse one that holds a password. Raises UsageError, which leaves it out."""
    for part in url.split("::"):
        netloc = part.partition("://")[2].partition("/")[0]
        user, at, host = netloc.rpartition("@")
        if at and ":" in user:
            shown = f"{part.partition('://')[0]}://{user.partition(':')[0]}@{host}"
            raise UsageError(
                f"{shown}: the password stands in the URL, which is kept with the documents;"
                f" write it into {load_settings().sources} instead (docs/how-to/sources.md)"
            )


def options_for(url: str) -> dict[str, Any]:
    """The options of the longest table name that the URL begins with; empty when there is none.

    Text such as "env:NAME" is read from the environment, "file:PATH" from a file. Raises UsageError for a bad file.
    """
    tables = read_tables(load_settings().sources, '["sftp://host"]')
    fitting = [name for name in tables if _begins(url, name)]
    if not fitting:
        return {}
    name = max(fitting, key=len)
    return {
        key: _resolved(value, f"{load_settings().sources}, [{name!r}], {key}") for key, value in tables[name].items()
    }


def _begins(url: str, name: str) -> bool:
    """Whether a URL lies below a table's name, its user left out where the table names none."""
    if "@" not in name:
        parts = urlsplit(url)
        url = url.replace(f"{parts.netloc}", parts.netloc.rpartition("@")[2], 1) if "@" in parts.netloc else url
    whole = name.rstrip("/")
    return url.startswith(whole) and url[len(whole) : len(whole) + 1] in ("", "/", ":")


def _resolved(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(inner, f"{where}.{key}") for key, inner in value.items()}
    if not isinstance(value, str):
        return value
    if value.startswith("env:"):
        name = value.removeprefix("env:")
        if name not in os.environ:
            raise UsageError(f"{where}: the environment has no variable {name}")
        return os.environ[name]
    if value.startswith("file:"):
        place = Path(value.removeprefix("file:")).expanduser()
        try:
            return place.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise UsageError(f"{where}: {place} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return value
