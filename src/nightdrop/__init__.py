"""The night drop for documents: documents go in, typed and checked data comes out, nothing is lost."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nightdrop.errors import InputError, NightdropError, RunFailed, UsageError
    from nightdrop.http.agent_os import AgentOS
    from nightdrop.pausing import pause
    from nightdrop.public.agent import Agent
    from nightdrop.public.batch import Batch
    from nightdrop.public.schedules import ScheduleManager, schedule_tools
    from nightdrop.public.workflow import Workflow
    from nightdrop.records import (
        BatchProgress,
        BatchStatus,
        FieldMatch,
        FieldResult,
        File,
        RunError,
        RunMetrics,
        RunOutput,
        RunStatus,
    )
    from nightdrop.records.budget import Budget
    from nightdrop.records.check import Check
    from nightdrop.records.dead_letter import DeadLetter, DeadLetterState, Replay
    from nightdrop.records.event import RunEvent
    from nightdrop.records.pause import Pause
    from nightdrop.records.rate_limit import RateLimit
    from nightdrop.records.review import Accuracy, Review, ReviewKind, ReviewState
    from nightdrop.records.review_policy import ReviewPolicy
    from nightdrop.records.schedule import Schedule, ScheduleRun, ScheduleRunStatus
    from nightdrop.records.source import Found, Source
    from nightdrop.records.step import StepResult, StepStatus
    from nightdrop.records.webhook import Delivery, DeliveryState, Webhook
    from nightdrop.store import PostgresDb, SqliteDb
    from nightdrop.store.letters import DeadLetters
    from nightdrop.store.reviews import Reviews
    from nightdrop.store.webhooks import Webhooks
    from nightdrop.workflows import Condition, Loop, Parallel, Router, Step, StepFile, StepInput, StepOutput, Steps

_HOMES = {
    "Accuracy": "nightdrop.records.review",
    "Agent": "nightdrop.public.agent",
    "AgentOS": "nightdrop.http.agent_os",
    "Batch": "nightdrop.public.batch",
    "BatchProgress": "nightdrop.records",
    "BatchStatus": "nightdrop.records",
    "Budget": "nightdrop.records.budget",
    "Check": "nightdrop.records.check",
    "Condition": "nightdrop.workflows",
    "DeadLetter": "nightdrop.records.dead_letter",
    "DeadLetterState": "nightdrop.records.dead_letter",
    "DeadLetters": "nightdrop.store.letters",
    "Delivery": "nightdrop.records.webhook",
    "DeliveryState": "nightdrop.records.webhook",
    "FieldMatch": "nightdrop.records",
    "FieldResult": "nightdrop.records",
    "File": "nightdrop.records",
    "Found": "nightdrop.records.source",
    "InputError": "nightdrop.errors",
    "Loop": "nightdrop.workflows",
    "NightdropError": "nightdrop.errors",
    "Parallel": "nightdrop.workflows",
    "Pause": "nightdrop.records.pause",
    "PostgresDb": "nightdrop.store",
    "RateLimit": "nightdrop.records.rate_limit",
    "Replay": "nightdrop.records.dead_letter",
    "Router": "nightdrop.workflows",
    "Review": "nightdrop.records.review",
    "ReviewKind": "nightdrop.records.review",
    "ReviewPolicy": "nightdrop.records.review_policy",
    "ReviewState": "nightdrop.records.review",
    "Reviews": "nightdrop.store.reviews",
    "RunError": "nightdrop.records",
    "RunEvent": "nightdrop.records.event",
    "RunFailed": "nightdrop.errors",
    "RunMetrics": "nightdrop.records",
    "RunOutput": "nightdrop.records",
    "RunStatus": "nightdrop.records",
    "Schedule": "nightdrop.records.schedule",
    "ScheduleManager": "nightdrop.public.schedules",
    "ScheduleRun": "nightdrop.records.schedule",
    "ScheduleRunStatus": "nightdrop.records.schedule",
    "Source": "nightdrop.records.source",
    "SqliteDb": "nightdrop.store",
    "Step": "nightdrop.workflows",
    "StepFile": "nightdrop.workflows",
    "StepInput": "nightdrop.workflows",
    "StepOutput": "nightdrop.workflows",
    "StepResult": "nightdrop.records.step",
    "StepStatus": "nightdrop.records.step",
    "Steps": "nightdrop.workflows",
    "UsageError": "nightdrop.errors",
    "Webhook": "nightdrop.records.webhook",
    "Webhooks": "nightdrop.store.webhooks",
    "Workflow": "nightdrop.public.workflow",
    "pause": "nightdrop.pausing",
    "schedule_tools": "nightdrop.public.schedules",
}

__all__ = [
    "Accuracy",
    "Agent",
    "AgentOS",
    "Batch",
    "BatchProgress",
    "BatchStatus",
    "Budget",
    "Check",
    "Condition",
    "DeadLetter",
    "DeadLetterState",
    "DeadLetters",
    "Delivery",
    "DeliveryState",
    "FieldMatch",
    "FieldResult",
    "File",
    "Found",
    "InputError",
    "Loop",
    "NightdropError",
    "Parallel",
    "Pause",
    "PostgresDb",
    "RateLimit",
    "Replay",
    "Review",
    "ReviewKind",
    "ReviewPolicy",
    "ReviewState",
    "Reviews",
    "Router",
    "RunError",
    "RunEvent",
    "RunFailed",
    "RunMetrics",
    "RunOutput",
    "RunStatus",
    "Schedule",
    "ScheduleManager",
    "ScheduleRun",
    "ScheduleRunStatus",
    "Source",
    "SqliteDb",
    "Step",
    "StepFile",
    "StepInput",
    "StepOutput",
    "StepResult",
    "StepStatus",
    "Steps",
    "UsageError",
    "Webhook",
    "Webhooks",
    "Workflow",
    "pause",
    "schedule_tools",
]


def __getattr__(name: str) -> Any:
    """Names load on first use: `import nightdrop` stays under 150 ms."""
    if name not in _HOMES:
        raise AttributeError(f"module 'nightdrop' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
