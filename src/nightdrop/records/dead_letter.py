"""A dead letter: a document that could not be processed, kept with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from nightdrop.clock import iso


class DeadLetterState(StrEnum):
    """open: waits for a person. replayed: its run was tried again. discarded: a person let it go."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Why one run ended in ERROR, with its document. sha256 is None when no bytes could be read."""

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
        }
