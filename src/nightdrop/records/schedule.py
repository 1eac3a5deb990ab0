"""A schedule, and the rows that say what became of each of its occurrences."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from nightdrop.clock import iso

CatchUp = Literal["one", "all", "none"]
Overlap = Literal["skip", "queue", "allow"]


class ScheduleRunStatus(StrEnum):
    """pending: not begun yet. running: its run or batch is open. The others are ends."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSED = "missed"
    TIMED_OUT = "timed_out"

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self in (ScheduleRunStatus.PENDING, ScheduleRunStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What is fired when. next_fire_at is None while it is disabled, and when the cron expression has no more times."""

    id: str
    name: str
    cron: str
    endpoint: str
    method: str = "POST"
    payload: dict[str, Any] = field(default_factory=dict)
    timezone: str = "UTC"
    description: str | None = None
    enabled: bool = True
    timeout_seconds: int = 3600
    max_retries: int = 0
    retry_delay_seconds: int = 60
    catch_up: CatchUp = "one"
    overlap: Overlap = "skip"
    next_fire_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def kind(self) -> Literal["agent", "workflow"]:
        """What its endpoint names."""
        return "agent" if self.endpoint.startswith("/agents/") else "workflow"

    @property
    def subject_id(self) -> str:
        """The id of the agent or workflow that its endpoint names."""
        return self.endpoint.split("/")[2]

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json` and HTTP."""
        names = [n for n in self.__slots__ if n not in ("next_fire_at", "created_at", "updated_at")]
        times = {n: iso(getattr(self, n)) for n in ("next_fire_at", "created_at", "updated_at")}
        return {n: getattr(self, n) for n in names} | times


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRun:
    """One fire of a schedule, one retry of it, or an occurrence that was skipped or missed; `error` says why."""

    id: str
    schedule_id: str
    scheduled_for: datetime | None
    attempt: int
    triggered_at: datetime | None
    completed_at: datetime | None
    status: ScheduleRunStatus
    status_code: int | None
    run_id: str | None
    batch_id: str | None
    error: str | None

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json` and HTTP."""
        return {
            "id": self.id,
            "schedule_id": self.schedule_id,
            "scheduled_for": iso(self.scheduled_for),
            "attempt": self.attempt,
            "triggered_at": iso(self.triggered_at),
            "completed_at": iso(self.completed_at),
            "status": self.status.value,
            "status_code": self.status_code,
            "run_id": self.run_id,
            "batch_id": self.batch_id,
            "error": self.error,
        }
