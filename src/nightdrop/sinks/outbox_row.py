"""A run's result as sinks outside keep it: one row for each document."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from nightdrop.records.field import FieldResult
from nightdrop.records.run import RunOutput
from nightdrop.sinks.row import result_row
from nightdrop.workflows import StepRun

Order = tuple[str, int]


def sink_row(run: RunOutput, version: int) -> dict[str, Any]:
    """The keys of a result row, and what makes it one row for each document.

    document: a hash of agent or workflow and session; the same for each later run over the same document.
    run_version: grows with each change of this run's result.
    """
    source = run.input.files[0].source if run.input.files else None
    row = result_row(run, source or "", run.batch_id or "")
    document = _key(run.agent_id or run.workflow_id or "", run.session_id)
    return {"document": document, **row, "workflow_id": run.workflow_id, "run_version": version}


def step_row(run: StepRun, path: str, content: Any, fields: Mapping[str, FieldResult]) -> dict[str, Any]:
    """A row of the same keys for what a workflow has come to at a step, before its run has ended: `EXPORTED`.

    document: a hash of workflow, session and the step's path. run_version: the run's attempt.
    """
    first = run.files[0] if run.files else None
    return {
        "document": _key(run.workflow_id, run.session_id, path),
        "run_id": run.run_id,
        "status": "EXPORTED",
        "file": "" if first is None else first.source or "",
        "sha256": None if first is None else first.sha256,
        "content": content,
        "fields": {name: field.to_json() for name, field in fields.items()},
        "error": None,
        "cost": None,
        "agent_id": None,
        "batch_id": run.batch_id or "",
        "workflow_id": run.workflow_id,
        "run_version": run.attempt,
    }


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def order_of(row: dict[str, Any]) -> Order:
    """Which of two rows of a document is the later: run ids sort by time, versions within a run."""
    return str(row["run_id"]), int(row["run_version"])
