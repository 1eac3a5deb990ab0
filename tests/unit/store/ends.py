"""What tests of deliveries do again and again: listen, end runs, and see what is told."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from nightdrop import Delivery, Webhook
from nightdrop.records.request import RunRequest, Subject
from nightdrop.store import Database, attempts
from nightdrop.store.accept import accept

AGENT = Subject(kind="agent", id="a", revision="r1")
SECRET = "0123456789abcdef"


def listen(db: Database, *events: str, url: str = "https://hooks.example/") -> str:
    made = db.webhooks.create(Webhook(url=url, secret=SECRET, events=events or ("*",)))
    assert made.id is not None
    return made.id


def told(db: Database) -> list[Delivery]:
    """Deliveries, oldest first."""
    return list(reversed(db.webhooks.deliveries(limit=1000)))


def events(db: Database) -> list[str]:
    return sorted(delivery.event for delivery in told(db))


def made(connection: sa.Connection, n: int = 0, **given: Any) -> str:
    (run,) = accept(connection, [RunRequest(subject=AGENT, message=str(n), **given)], 5)
    return run.run_id


def started(connection: sa.Connection, n: int = 0) -> str:
    run_id = made(connection, n)
    attempts.claim(connection, "x", [AGENT], now_ms=5, limit=1)
    assert attempts.start(connection, run_id, 1, "x", 6)
    return run_id


def complete(connection: sa.Connection, run_id: str, attempt: int = 1, at: int = 7) -> None:
    assert attempts.complete(connection, run_id, attempt, content={}, fields={}, now_ms=at)
