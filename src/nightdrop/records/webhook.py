"""A webhook: who is told of ends and dead letters; and a delivery: one event on its way to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from nightdrop.clock import iso
from nightdrop.errors import UsageError

EVENTS = (
    "run.completed",
    "run.error",
    "run.cancelled",
    "run.paused",
    "batch.completed",
    "batch.cancelled",
    "schedule.success",
    "schedule.partial",
    "schedule.failed",
    "schedule.skipped",
    "schedule.missed",
    "schedule.timed_out",
    "dead_letter.created",
)
"""What can be told: the status that something has come to, and documents that could not be processed."""

_LEAST_SECRET = 16  # characters


class DeliveryState(StrEnum):
    """pending: on its way. delivered: the receiver has said so. dead: given up, and kept; it can be replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told of events, in signed requests.

    events: names of EVENTS, or `run.*` and `*` for several. secret: what requests are signed with, at least 16
    characters, `whsec_` and base64, or `env:NAME` for a variable that every sending process has.
    """

    url: str
    secret: str = field(repr=False)
    events: Sequence[str] = ("*",)
    description: str | None = None
    id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def __post_init__(self) -> None:
        if isinstance(self.events, str):
            raise UsageError(f"events= takes a list: give events=[{self.events!r}]")
        object.__setattr__(self, "events", every_event(self.events))
        if self.secret.startswith("env:"):
            if not self.secret.removeprefix("env:").isidentifier():
                raise UsageError("secret= with env: takes the name of a variable, such as env:HOOK_SECRET")
        elif len(self.secret) < _LEAST_SECRET:
            raise UsageError(f"secret= takes at least {_LEAST_SECRET} characters, or env:NAME")

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json` and HTTP: without the secret."""
        return {
            "id": self.id,
            "url": self.url,
            "events": list(self.events),
            "description": self.description,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one webhook.

    id: the same at every attempt, so that a receiver knows what it has already. about: the run, batch or schedule
    run. data: what is told, as it was when it happened. attempts: begun so far. next_attempt_at: when the next one is
    due. status_code and error: of the last attempt.
    """

    id: str
    webhook_id: str
    event: str
    about: str
    data: dict[str, Any]
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    status_code: int | None
    error: str | None
    created_at: datetime
    completed_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """The plain form answered by `--json` and HTTP."""
        return {
            "id": self.id,
            "webhook_id": self.webhook_id,
            "event": self.event,
            "about": self.about,
            "data": self.data,
            "state": self.state.value,
            "attempts": self.attempts,
            "next_attempt_at": iso(self.next_attempt_at),
            "status_code": self.status_code,
            "error": self.error,
            "created_at": iso(self.created_at),
            "completed_at": iso(self.completed_at),
        }


def every_event(events: Sequence[str]) -> tuple[str, ...]:
    """The events that names and patterns mean, in the order of EVENTS. Raises UsageError for one that means none."""
    meant: set[str] = set()
    for name in events:
        prefix = name.removesuffix("*")
        found = {event for event in EVENTS if event == name or (prefix != name and event.startswith(prefix))}
        if not found or (prefix != name and prefix and not prefix.endswith(".")):
            raise UsageError(f"{name!r} is no event; there are {', '.join(EVENTS)}, and run.* and *")
        meant |= found
    if not meant:
        raise UsageError("events= names no event")
    return tuple(event for event in EVENTS if event in meant)
