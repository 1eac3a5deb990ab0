"""Looking at this installation: each part reports what it found and what is wrong."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from nightdrop import clock
from nightdrop.cli.load import open_database
from nightdrop.engine.host import reader_pool
from nightdrop.engine.identity import is_dead
from nightdrop.errors import NightdropError
from nightdrop.settings import load_settings
from nightdrop.store import Database, SqliteDb
from nightdrop.store.executors import list_executors
from nightdrop.store.load import stranded_subjects, waiting_subjects, worker_hint
from nightdrop.store.migrate import SCHEMA_VERSION, schema_version
from nightdrop.store.reservations import used_up
from nightdrop.store.schedules import next_times

_PACKAGES = ("nightdrop", "dbos", "sqlalchemy", "pydantic", "pypdfium2")
_PROVIDERS = {
    "local": None,
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google": "GOOGLE_API_KEY",
}
_LOW_DISK_BYTES = 500 * 1024 * 1024


def checkup(db_path: str | None) -> dict[str, Any]:
    """The report: versions, database, providers, executors, waiting work, and `problems`, empty when all is well."""
    problems: list[str] = []
    versions = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            problems.append(f"{package} is not installed: pip install nightdrop")
    report: dict[str, Any] = {"versions": versions, "database": {}, "providers": _providers(), "executors": []}
    try:
        load_settings()
    except NightdropError as error:
        return report | {"problems": [*problems, str(error)]}
    try:
        database = open_database(db_path)
        report["database"], report["executors"], report["waiting"] = _database(database, problems)
    except NightdropError as error:
        problems.append(str(error))
    problems += _reader_problems()
    report["problems"] = problems
    return report


def _providers() -> dict[str, str]:
    return {
        name: "ready" if variable is None or os.environ.get(variable) else f"not configured ({variable} is not set)"
        for name, variable in _PROVIDERS.items()
    }


def _database(db: Database, problems: list[str]) -> tuple[dict[str, Any], list[str], list[str]]:
    facts: dict[str, Any] = {"path": db.label, "blobs": db.blobs.root}
    if isinstance(db, SqliteDb) and not db.path.exists():
        return facts | {"state": "does not exist yet: the first run makes it"}, [], []
    if isinstance(db, SqliteDb):
        free = shutil.disk_usage(db.path.parent).free
        facts["free disk"] = f"{free // 1024 // 1024} MB"
        if free < _LOW_DISK_BYTES:
            problems.append(f"the disk of {db.path} has {free // 1024 // 1024} MB left: make room")
        if not os.access(db.path, os.W_OK):
            problems.append(f"{db.path} cannot be written: check its owner and mode")
    with db.read() as connection:
        facts["schema version"] = f"{schema_version(connection)} (newest {SCHEMA_VERSION})"
        rows = list_executors(connection)
        waiting = waiting_subjects(connection)
        scheduled, _ = next_times(connection)
        full = used_up(connection, clock.now_ms())
    alive = [row for row in rows if not is_dead(row)]
    executors = [f"{row.executor_id} on {row.host}, last heard of {row.age_ms / 1000:.0f} s ago" for row in alive]
    problems += [
        f"provider {pause.name} is paused, {pause.waiting} runs wait for it: {pause.code}: {pause.message}: "
        f"`nightdrop providers resume {pause.provider}` when that is mended"
        for pause in db.providers.list()
    ]
    with db.read() as connection:
        stranded = stranded_subjects(connection, [row.registry for row in alive])
    problems += [
        f"{w.count} runs of {w.subject_id} (revision {w.revision}) wait and no live process can execute them: "
        f"{worker_hint(w.subject_id)}, or run the command that began them again"
        for w in stranded
    ]
    if scheduled and not any(row.scheduler for row in alive):
        problems.append(
            f"{scheduled} schedules are enabled and no live process fires them: "
            "start `nightdrop worker app.py:agent_os` with AgentOS(..., scheduler=True)"
        )
    runs = [f"{w.count} runs of {w.subject_id}" for w in waiting]
    return facts, executors, [*runs, *(f"some of them for {budget}, which is used up for now" for budget in full)]


def _reader_problems() -> list[str]:
    """Read a word in a child process, as every document is."""
    try:
        reader_pool().submit("nightdrop.documents.inspect:inspect", b"text", {"mime_type": "text/plain"}).result(30)
    except (NightdropError, TimeoutError) as error:
        return [f"documents cannot be read in a child process: {error}"]
    return []
