"""Who this process is, so that another can tell whether it still lives."""

from __future__ import annotations

import os
import platform
import uuid
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from nightdrop.store import Database
from nightdrop.store.executors import ExecutorRow, disown

Role = Literal["process", "worker", "quarantine"]
"""A program of the user's own, a `nightdrop worker`, or a child in which suspects run one at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An executing process. executor_id is unique for ever: host, pid and a random part.

    parent_pid, parent_started: of a quarantine, the process that watches it.
    """

    executor_id: str
    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    pid_started: str
    role: Role = "process"
    parent_pid: int | None = None
    parent_started: str | None = None

    def to_row(self) -> dict[str, Any]:
        """The columns of its lease."""
        return asdict(self)


def this_process(role: Role = "process") -> Identity:
    """A new identity for this process; a new one each time an engine starts."""
    parent = os.getppid() if role == "quarantine" else None
    host, pid = platform.node(), os.getpid()
    return Identity(
        executor_id=f"{host}-{pid}-{uuid.uuid4().hex[:12]}",
        host=host,
        boot_id=_boot_id(),
        pid_namespace=_pid_namespace(),
        pid=pid,
        pid_started=_pid_started(pid),
        role=role,
        parent_pid=parent,
        parent_started=None if parent is None else _pid_started(parent),
    )


def is_dead(row: ExecutorRow, *, trust_lease: bool = True) -> bool:
    """True when a process is surely gone: its lease ran out, or it ran here and its pid is not that process now.

    trust_lease=False: leases tell nothing now, since nobody could renew one for a while.
    """
    if trust_lease and row.age_ms > row.lease_ms:
        return True
    return _ran_here(row) and _pid_started(row.pid) != row.pid_started


def is_watched(row: ExecutorRow) -> bool:
    """Whether this is a quarantine whose watching process lives: then its death is the document's doing."""
    if row.role != "quarantine" or row.parent_pid is None:
        return False
    return _ran_here(row) and _pid_started(row.parent_pid) == row.parent_started


def disown_children(db: Database) -> None:
    """Say that the quarantines of this process, if they end now, end by its hand and not by a document."""
    me = os.getpid()
    db.transact(partial(disown, parent_pid=me, parent_started=_pid_started(me)))


def _ran_here(row: ExecutorRow) -> bool:
    return bool(row.boot_id) and row.boot_id == _boot_id() and row.pid_namespace == _pid_namespace()


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""  # no /proc (macOS): only the lease tells


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _pid_started(pid: int) -> str:
    """When the process began, in clock ticks since boot; empty when there is no such process (or it is a zombie)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *rest = text.rpartition(")")[2].split()
    return "" if state in ("Z", "X") else rest[18]
