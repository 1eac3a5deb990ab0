"""Workflows on a schedule: the same call as for agents, with another endpoint."""

from __future__ import annotations

import uuid

from nightdrop import ScheduleManager, StepInput, Workflow
from nightdrop.engine import engine_for
from nightdrop.portal import portal
from nightdrop.schedules import Scheduler
from nightdrop.store import Database
from tests.fundamentals.conftest import until


def shout(given: StepInput) -> str:
    """A step that uses the message."""
    return given.input.upper()


def test_a_schedule_fires_a_workflow(db: Database) -> None:
    """Its run is the schedule run's, and its end closes it."""
    workflow = Workflow(id=f"w-{uuid.uuid4().hex[:8]}", steps=[shout], db=db)
    manager = ScheduleManager(db)
    schedule = manager.create(
        name=workflow.id, cron="0 2 * * *", endpoint=f"/workflows/{workflow.id}/runs", payload={"message": "good night"}
    )
    manager.trigger(schedule.id)
    engine = portal().call(engine_for(db))
    scheduler = Scheduler(engine)
    portal().loop.call_soon_threadsafe(scheduler.start)
    try:
        (fired,) = until(lambda: [r for r in manager.get_runs(schedule.id) if r.status.value == "success"])
    finally:
        portal().call(scheduler.stop())
    assert fired.run_id is not None
    assert workflow.get_run_output(fired.run_id).content == "GOOD NIGHT"
