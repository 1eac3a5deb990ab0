"""A run: one agent or workflow over one input, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from nightdrop.clock import iso
from nightdrop.errors import RunFailed
from nightdrop.records.check import Check
from nightdrop.records.field import FieldResult
from nightdrop.records.metrics import RunMetrics
from nightdrop.records.open_step import OpenStep
from nightdrop.records.pause import Pause
from nightdrop.records.run_error import RunError
from nightdrop.records.step import StepResult


class RunStatus(StrEnum):
    """PENDING and RUNNING are open; the others are ends. COMPLETED means valid and committed."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    PAUSED = "PAUSED"
    CANCELLED = "CANCELLED"
    ERROR = "ERROR"

    @property
    def is_open(self) -> bool:
        """True while the run may still do work by itself."""
        return self in (RunStatus.PENDING, RunStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """A document of a run. sha256 is None when no bytes could be read; source: path or URL as given."""

    sha256: str | None
    filename: str | None = None
    mime_type: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInput:
    """What identifies the work: the message and the documents, in order."""

    message: str
    files: tuple[FileRef, ...] = ()

    @property
    def hashes(self) -> tuple[str | None, ...]:
        """The documents' sha256 in order."""
        return tuple(f.sha256 for f in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutput:
    """The state of one run as committed (or as computed, for an agent without db).

    content: an instance of the output schema (a dict for a JSON schema, text without one).
    fields: dotted path, such as `lines.0.amount`, to FieldResult. pause: what a PAUSED run asks. cached_from: the
    run whose answer this one was given, None mostly. checks: what each validator said. steps: what a workflow's run has
    recorded, in order; open_steps: those that have not ended, while it is open. Neither is loaded in lists. Times are
    aware UTC datetimes.
    """

    run_id: str
    session_id: str
    status: RunStatus
    input: RunInput
    agent_id: str | None = None
    workflow_id: str | None = None
    batch_id: str | None = None
    schedule_run_id: str | None = None
    user_id: str | None = None
    content: Any = None
    fields: dict[str, FieldResult] = field(default_factory=dict)
    metrics: RunMetrics = field(default_factory=RunMetrics)
    error: RunError | None = None
    pause: Pause | None = None
    attempts: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    cached_from: str | None = None
    checks: tuple[Check, ...] = ()
    steps: tuple[StepResult, ...] = ()
    open_steps: tuple[OpenStep, ...] = ()

    def raise_for_status(self) -> RunOutput:
        """Returns itself unless the run ended in ERROR or CANCELLED: then RunFailed with the error's code."""
        if self.status is RunStatus.ERROR and self.error is not None:
            raise RunFailed(self.error.message, code=self.error.code)
        if self.status is RunStatus.CANCELLED:
            raise RunFailed("the run was cancelled", code="cancelled")
        return self

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json` and HTTP."""
        return {
            "run_id": self.run_id,
            "session_id": self.session_id,
            "agent_id": self.agent_id,
            "workflow_id": self.workflow_id,
            "batch_id": self.batch_id,
            "schedule_run_id": self.schedule_run_id,
            "user_id": self.user_id,
            "status": self.status.value,
            "content": plain(self.content),
            "fields": {path: f.to_json() for path, f in self.fields.items()},
            "metrics": self.metrics.to_json(),
            "error": None if self.error is None else self.error.to_json(),
            "pause": None if self.pause is None else self.pause.to_json(),
            "attempts": self.attempts,
            "metadata": self.metadata,
            "input": {
                "message": self.input.message,
                "files": [
                    {"sha256": f.sha256, "filename": f.filename, "mime_type": f.mime_type, "file": f.source}
                    for f in self.input.files
                ],
            },
            "created_at": iso(self.created_at),
            "started_at": iso(self.started_at),
            "completed_at": iso(self.completed_at),
            "cached_from": self.cached_from,
            "checks": [check.to_json() for check in self.checks],
            "steps": [step.to_json() for step in self.steps],
            "open_steps": [step.to_json() for step in self.open_steps],
        }


def plain(content: Any) -> Any:
    """Content as JSON data: a pydantic model dumped in JSON mode (money as text), all else as it is."""
    return content.model_dump(mode="json") if isinstance(content, BaseModel) else content
