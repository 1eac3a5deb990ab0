"""A run's result as sinks outside keep it: one row for each document."""

from __future__ import annotations

import hashlib
from typing import Any

from nightdrop.records.run import RunOutput
from nightdrop.sinks.row import result_row

Order = tuple[str, int]


def sink_row(run: RunOutput, version: int) -> dict[str, Any]:
    """The keys of a result row, and what makes it one row for each document.

    document: a hash of agent or workflow and session; the same for each later run over the same document.
    run_version: grows with each change of this run's result.
    """
    subject = run.agent_id or run.workflow_id or ""
    document = hashlib.sha256(f"{subject}\0{run.session_id}".encode()).hexdigest()
    source = run.input.files[0].source if run.input.files else None
    row = result_row(run, source or "", run.batch_id or "")
    return {"document": document, **row, "workflow_id": run.workflow_id, "run_version": version}


def order_of(row: dict[str, Any]) -> Order:
    """Which of two rows of a document is the later: run ids sort by time, versions within a run."""
    return str(row["run_id"]), int(row["run_version"])
