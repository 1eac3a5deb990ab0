"""How far an open run of a workflow has come: its steps that are at work, ask, or come later."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from nightdrop.records.open_step import OpenStep, open_steps
from nightdrop.records.run import RunOutput, RunStatus
from nightdrop.records.step import StepResult
from nightdrop.store.insert import insert_ignore
from nightdrop.store.model_calls import metrics_of_steps
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


def with_open_steps(connection: sa.Connection, run: RunOutput, revision: str) -> RunOutput:
    """An open run of a workflow with the steps that have not ended, and what their calls have cost so far."""
    if run.workflow_id is None or not (run.status.is_open or run.status is RunStatus.PAUSED):
        return run
    shape = shape_at(connection, run.workflow_id, revision)
    if shape is None:
        return run
    found = open_steps_of(run, shape, run.steps)
    spent = metrics_of_steps(connection, [run.run_id])
    priced = [
        replace(step, metrics=spent.get((run.run_id, run.attempts, step.path, step.number), step.metrics))
        for step in found
    ]
    return replace(run, open_steps=tuple(priced))


def open_steps_of(run: RunOutput, shape: Mapping[str, Any], results: Sequence[StepResult]) -> list[OpenStep]:
    """Its steps that have not ended, with these results."""
    asks = None if run.pause is None else run.pause.step
    return open_steps(shape, results, is_running=run.status is RunStatus.RUNNING, asks=asks, since=run.started_at)
