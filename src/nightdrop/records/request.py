"""What is asked for before it is a run: the input of `store.accept`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from nightdrop.errors import UsageError
from nightdrop.records.run import FileRef, RunStatus
from nightdrop.records.run_error import RunError

Disposition = Literal["new", "known", "duplicate"]


def require_text(**given: str | None) -> None:
    """Refuse, by its name, what is not text that a database takes. Raises UsageError."""
    for name, value in given.items():
        if value is None or (isinstance(value, str) and (value.isascii() or value == _as_utf8(value))):
            continue
        what = "holds characters that are no Unicode" if isinstance(value, str) else f"is a {type(value).__name__}"
        raise UsageError(f"{name}= takes text; this {what}")


def _as_utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What executes a run: an agent or a workflow at one revision."""

    kind: Literal["agent", "workflow"]
    id: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A client's key for one submission: sent again under it, it is handed in once. caller: whose key it is."""

    caller: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run to accept.

    session_id None: a new run each time. rerun: even if the session has its answer. retry_failed: try an ERROR
    again. refused: the input cannot be used, so the run ends as it starts. executor_id: who executes it at once.
    priority: lower goes first. ranks: where a new run takes its rank among those of its priority, None: the first.
    cache: what was answered already is given again, unless rerun. once: what was accepted under this key is the answer.
    """

    subject: Subject
    message: str
    files: tuple[FileRef, ...] = ()
    session_id: str | None = None
    user_id: str | None = None
    batch_id: str | None = None
    schedule_run_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    priority: int = 0
    ranks: Iterator[int] | None = None
    rerun: bool = False
    retry_failed: bool = False
    refused: RunError | None = None
    executor_id: str | None = None
    cache: bool = False
    once: Once | None = None

    def __post_init__(self) -> None:
        require_text(message=self.message, session_id=self.session_id, user_id=self.user_id)

    @property
    def input_hash(self) -> str:
        """Identity of the input: the message and the documents' hashes in order."""
        digest = hashlib.sha256(self.message.encode())
        for ref in self.files:
            digest.update(b"\0" + (ref.sha256 or f"source:{ref.source}").encode("utf-8", "backslashreplace"))
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The run that answers a request. fresh: this request made it (or made it try again)."""

    run_id: str
    status: RunStatus
    attempt: int
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A run this process may execute. dispatches: how often this attempt was handed to an executor, now included.

    continued: it was paused in this attempt or an earlier one.
    """

    run_id: str
    attempt: int
    dispatches: int
    continued: bool = False
