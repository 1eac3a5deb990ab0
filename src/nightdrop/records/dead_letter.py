"""A dead letter: a document that could not be processed, kept with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from nightdrop.clock import iso
from nightdrop.records.run_error import RunError


class DeadLetterState(StrEnum):
    """open: waits for a person. replayed: its run was tried again. discarded: a person let it go."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Why one attempt of a run ended in ERROR, with its document.

    sha256 is None when no bytes could be read. raw_answer: what the model said last. assignee and note are a person's.
    """

    id: str
    run_id: str
    agent_id: str | None
    batch_id: str | None
    code: str
    message: str
    retryable: bool
    attempts: int
    sha256: str | None
    file: str | None
    state: DeadLetterState
    created_at: datetime
    raw_answer: str | None = None
    assignee: str | None = None
    note: str | None = None
    updated_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json` and HTTP."""
        return {
            "id": self.id,
            "run_id": self.run_id,
            "agent_id": self.agent_id,
            "batch_id": self.batch_id,
            "code": self.code,
            "message": self.message,
            "retryable": self.retryable,
            "attempts": self.attempts,
            "sha256": self.sha256,
            "file": self.file,
            "state": self.state.value,
            "created_at": iso(self.created_at),
            "raw_answer": self.raw_answer,
            "assignee": self.assignee,
            "note": self.note,
            "updated_at": iso(self.updated_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What became of one letter that was to be replayed: its run waits at `attempt`, or `error` says why not."""

    letter_id: str
    run_id: str
    attempt: int
    error: RunError | None = None

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json` and HTTP."""
        return {
            "letter_id": self.letter_id,
            "run_id": self.run_id,
            "attempt": self.attempt,
            "error": None if self.error is None else {"code": self.error.code, "message": self.error.message},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which dead letters are meant. None: whatever it is. since: those that failed at this time or later."""

    code: str | None = None
    since: datetime | None = None
    batch_id: str | None = None
    agent_id: str | None = None
    state: DeadLetterState | None = DeadLetterState.OPEN

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing but a state."""
        return (self.code, self.since, self.batch_id, self.agent_id) == (None,) * 4
