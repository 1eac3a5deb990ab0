"""A batch: one source of documents, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from nightdrop.clock import iso


class BatchStatus(StrEnum):
    """ACCEPTING: the source is still being listed. RUNNING: all listed, some open. The others are ends."""

    ACCEPTING = "ACCEPTING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProgress:
    """A batch counted from its rows, never from a counter that could drift.

    total: documents listed so far. done: ended ones, failed and skipped among them. failed: ended in ERROR
    or CANCELLED. skipped: content known already, from this batch (a duplicate) or an earlier one.
    priority: lower goes first. weight: of its documents for each one of another batch.
    documents: distinct documents, one result row each. cost: US dollars, None when any price is unknown.
    """

    id: str
    status: BatchStatus
    agent_id: str | None
    workflow_id: str | None = None
    source: str | None
    total: int
    done: int
    failed: int
    skipped: int
    documents: int
    cost: Decimal | None
    created_at: datetime | None
    completed_at: datetime | None
    priority: int = 10
    weight: int = 1

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json` and HTTP."""
        return {
            "id": self.id,
            "status": self.status.value,
            "agent_id": self.agent_id,
            "workflow_id": self.workflow_id,
            "source": self.source,
            "total": self.total,
            "done": self.done,
            "failed": self.failed,
            "skipped": self.skipped,
            "documents": self.documents,
            "priority": self.priority,
            "weight": self.weight,
            "cost": None if self.cost is None else format(self.cost, "f"),
            "created_at": iso(self.created_at),
            "completed_at": iso(self.completed_at),
        }
