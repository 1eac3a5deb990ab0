"""How far an open run of a workflow has come: its steps that are at work, ask, or come later."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from nightdrop.records.open_step import open_steps
from nightdrop.records.run import RunOutput, RunStatus
from nightdrop.records.step import StepResult
from nightdrop.store.insert import insert_ignore
from nightdrop.store.model_calls import metrics_of_steps
from nightdrop.store.run_state import RunState, run_state
from nightdrop.store.steps import steps_told
from nightdrop.store.tables import workflows

_w = workflows.c
_KEEP = {dialect: insert_ignore(dialect, workflows) for dialect in ("sqlite", "postgresql")}


def keep_shape(
    connection: sa.Connection, workflow_id: str, revision: str, plan: Mapping[str, Any], now_ms: int
) -> None:
    """Say what a workflow at a revision is made of; one that is there already is the same."""
    values = {"workflow_id": workflow_id, "revision": revision, "shape": json.dumps(plan), "created_at": now_ms}
    connection.execute(_KEEP[connection.dialect.name], values)


def shape_at(connection: sa.Connection, workflow_id: str, revision: str) -> dict[str, Any] | None:
    """What a workflow at a revision is made of, None before its first run has begun."""
    query = sa.select(_w.shape).where(_w.workflow_id == workflow_id, _w.revision == revision)
    text = connection.scalar(query)
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run is, and of a workflow's what it is made of (None: not known) and its records, without contents."""

    state: RunState
    plan: Mapping[str, Any] | None = None
    steps: Sequence[StepResult] = ()


def progress(connection: sa.Connection, run_id: str) -> Progress | None:
    """None when there is no such run."""
    state = run_state(connection, run_id)
    if state is None or state.workflow_id is None:
        return None if state is None else Progress(state=state)
    plan = shape_at(connection, state.workflow_id, state.revision)
    return Progress(state=state, plan=plan, steps=steps_told(connection, run_id))


def with_open_steps(connection: sa.Connection, run: RunOutput, revision: str) -> RunOutput:
    """An open run of a workflow with the steps that have not ended, and what their calls have cost so far."""
    if run.workflow_id is None or not (run.status.is_open or run.status is RunStatus.PAUSED):
        return run
    shape = shape_at(connection, run.workflow_id, revision)
    if shape is None:
        return run
    asks = None if run.pause is None else run.pause.step
    is_running = run.status is RunStatus.RUNNING
    found = open_steps(shape, run.steps, is_running=is_running, asks=asks, since=run.started_at)
    spent = metrics_of_steps(connection, [run.run_id])
    priced = [
        replace(step, metrics=spent.get((run.run_id, run.attempts, step.path, step.number), step.metrics))
        for step in found
    ]
    return replace(run, open_steps=tuple(priced))
