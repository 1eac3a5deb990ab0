"""A place that documents are dropped at, on a server of its kind, with a look at what lies there."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sources.serve import PASSWORD


@dataclass(kw_only=True)
class Drop:
    """url: of the drop's folder, without a password. table and options: what `sources.toml` says of it.

    secret: what DROP_PASSWORD holds in the environment. wrong: the same, but its server refuses it.
    """

    url: str
    table: str
    options: dict[str, Any]
    write: Callable[[str, bytes], None]
    names: Callable[[], set[str]]
    secret: str = PASSWORD
    wrong: str = "wrong-word"

    @property
    def word(self) -> str:
        """What of the secret must never be seen."""
        return hidden(self.secret)

    def toml(self) -> str:
        lines = [f'["{self.table}"]']
        for key, value in self.options.items():
            lines.append(f'{key} = "{value}"')
        return "\n".join(lines) + "\n"


def hidden(secret: str) -> str:
    """What of a secret must never be seen: a password, an account's key, a line of a private key."""
    if "private_key" in secret:
        return secret.split("\\n")[5]
    return secret.rpartition("AccountKey=")[2]


def folder_drop(url: str, table: str, options: dict[str, Any], folder: Path) -> Drop:
    """The drop of a server that serves a folder of this machine."""

    def write(name: str, content: bytes) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_700_000_000, 1_700_000_000))

    def names() -> set[str]:
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    return Drop(url=url, table=table, options=options, write=write, names=names)
