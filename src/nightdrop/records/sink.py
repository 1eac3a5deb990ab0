"""A sink: a place outside where results are put; and a delivery: one run's result on its way to one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from nightdrop.clock import iso
from nightdrop.errors import UsageError

SinkKind = Literal["table", "http", "folder", "file"]

_DATABASES = ("sqlite", "postgresql", "mysql", "mariadb", "mssql", "oracle")
_ROWS = (".jsonl", ".csv", ".parquet")  # of files that can hold more than one row
_FILES = (".json", *_ROWS)


def kind_of(url: str) -> SinkKind:
    """What a sink's URL leads to. file: one here for all results; folder: a file for each document.

    Raises UsageError for files that cannot be written.
    """
    scheme = url.partition("://")[0].partition("+")[0] if "://" in url else ""
    if scheme in _DATABASES:
        return "table"
    if scheme in ("http", "https"):
        return "http"
    folder, name = folder_and_name(url)
    if not name.lower().endswith(_FILES):
        raise UsageError(f"{url}: files of a sink end in {', '.join(_FILES)}")
    if "*" in url.rpartition("/")[2] or not url.lower().endswith(_ROWS):
        return "folder"
    if scheme not in ("", "file"):
        each = f"{folder.rpartition('/')[0]}/*.{url.rpartition('.')[2]}"
        raise UsageError(f"{url}: one file there cannot be written by several processes; give {each}, one a document")
    return "file"


def folder_and_name(url: str) -> tuple[str, str]:
    """The folder of a sink's files and their names, in which `*` stands for the document: `*.json` unless said."""
    folder, _, name = url.rpartition("/")
    return (folder or ".", name) if name.startswith("*.") else (url.rstrip("/"), "*.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where results go. url: a database or a folder, or `env:NAME` for a variable that every process has that puts
    results there. subject_id: only of this agent or workflow. pending: results on their way, counted from the rows;
    dead: those that it refused until they were given up; error: why one on its way is not there, None when all are
    new; next_attempt_at: when it is tried again, None while it answers."""

    id: str
    name: str
    url: str
    subject_id: str | None = None
    created_at: datetime | None = None
    pending: int = 0
    dead: int = 0
    error: str | None = None
    next_attempt_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json`."""
        return {
            "id": self.id,
            "name": self.name,
            "url": self.url,
            "subject_id": self.subject_id,
            "created_at": iso(self.created_at),
            "pending": self.pending,
            "dead": self.dead,
            "error": self.error,
            "next_attempt_at": iso(self.next_attempt_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkDelivery:
    """One run's result for one sink. version: grows with each change of the run's result. attempts: how often
    the sink refused it; one that is down costs none."""

    sink_id: str
    run_id: str
    version: int
    state: str
    attempts: int
    error: str | None

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json`."""
        return {name: getattr(self, name) for name in self.__slots__}
