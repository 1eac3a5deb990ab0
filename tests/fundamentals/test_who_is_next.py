"""A large batch holds up neither a single run nor a small batch."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, RateLimit, RunStatus, UsageError
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.testing import SimulatedProvider
from tests.fundamentals.conftest import MESSAGE, document, until

LARGE = 240


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedProvider]:
    """A provider that takes 0.15 s."""
    with SimulatedProvider(latency=0.15) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def agent_on(db: Database) -> Agent:
    return Agent(
        id=f"shared-{uuid.uuid4().hex[:8]}",
        model="openai-chat:gpt-4o-mini",
        output_schema=Invoice,
        limits=RateLimit(concurrency=4),
        db=db,
    )


def test_a_single_run_and_a_small_batch_are_not_behind_a_large_one(
    db: Database, slow: SimulatedProvider, invoices: Any, tmp_path: Path
) -> None:
    agent = agent_on(db)
    nightly = agent.batch(invoices(LARGE, "nightly"), MESSAGE)
    until(lambda: nightly.progress().done >= 4)
    single = agent.run("Another question.", files=[document(1)])
    assert single.status is RunStatus.COMPLETED
    assert nightly.progress().done < LARGE // 2
    small = agent.batch(invoices(8, "small"), "Only these.")
    assert small.wait(timeout=60).failed == 0
    assert nightly.progress().done < LARGE - 60, "the small batch waited for the large one"
    nightly.cancel()


def test_a_priority_is_kept_and_said_and_wrong_ones_are_refused(db: Database, invoices: Any) -> None:
    agent = Agent(id=f"local-{uuid.uuid4().hex[:8]}", model="local", output_schema=Invoice, db=db)
    folder = invoices(2)
    batch = agent.batch(folder, MESSAGE, priority=3, weight=7)
    done = batch.wait(timeout=60)
    assert (done.priority, done.weight, done.done) == (3, 7, 2)
    assert done.to_json()["weight"] == 7
    for wrong in ({"weight": 0}, {"priority": -1}, {"weight": 1001}):
        with pytest.raises(UsageError, match="give a whole number from"):
            agent.batch(folder, "x", **wrong)
