"""A step of a workflow run as it is recorded: one row for each try, and for each decision on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from nightdrop.clock import iso
from nightdrop.records.field import FieldResult
from nightdrop.records.metrics import RunMetrics
from nightdrop.records.run_error import RunError


class StepStatus(StrEnum):
    """How a try ended. SKIPPED: it failed, or a person said so, and the workflow goes on without its content."""

    COMPLETED = "COMPLETED"
    SKIPPED = "SKIPPED"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """One try of a step, or what a condition, a router or a loop decided.

    path: the names from the outermost step down, `checks/left` or `refine[2]/draft` for a loop's second round. kind:
    agent, function, workflow, condition, router, round or loop. number: which try, from 1. position: in the order of
    recording. content: JSON data. detail: what was decided. state: the run's state as the step left it, None where it
    did not change it. metrics: of its model calls.
    """

    path: str
    kind: str
    status: StepStatus
    number: int = 1
    attempt: int = 1
    position: int = 0
    content: Any = None
    fields: Mapping[str, FieldResult] = field(default_factory=dict)
    state: dict[str, Any] | None = None
    detail: dict[str, Any] | None = None
    stop: bool = False
    error: RunError | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    metrics: RunMetrics = field(default_factory=RunMetrics)

    @property
    def name(self) -> str:
        """The last name of the path."""
        return self.path.rpartition("/")[2]

    @property
    def duration(self) -> float | None:
        """Seconds that the try took."""
        if self.started_at is None or self.completed_at is None:
            return None
        return (self.completed_at - self.started_at).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """The plain form."""
        return {
            "path": self.path,
            "kind": self.kind,
            "status": self.status.value,
            "number": self.number,
            "attempt": self.attempt,
            "position": self.position,
            "content": self.content,
            "detail": self.detail,
            "stop": self.stop,
            "error": None if self.error is None else self.error.to_json(),
            "duration": self.duration,
            "metrics": self.metrics.to_json(),
            "started_at": iso(self.started_at),
            "completed_at": iso(self.completed_at),
        }
