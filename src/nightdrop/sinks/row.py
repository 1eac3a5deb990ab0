"""One result as the row of JSONL and CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nightdrop.records.run import RunOutput, RunStatus, plain

COLUMNS = ("run_id", "status", "file", "sha256", "agent_id", "batch_id", "cost", "error")


def result_row(run: RunOutput, file: str, batch_id: str) -> dict[str, Any]:
    """The contract's keys; file: path or URL as this batch's source gave it, batch_id: the batch asked for."""
    cost = run.metrics.cost
    return {
        "run_id": run.run_id,
        "status": run.status.value,
        "file": file,
        "sha256": run.input.files[0].sha256 if run.input.files else None,
        "content": plain(run.content) if run.status is RunStatus.COMPLETED else None,  # in review it is no result yet
        "fields": {path: f.to_json() for path, f in run.fields.items()},
        "error": None if run.error is None else {"code": run.error.code, "message": run.error.message},
        "cost": None if cost is None else format(cost, "f"),
        "agent_id": run.agent_id,
        "batch_id": batch_id,
    }


def flat_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row for CSV: content, confidences and error under dotted columns such as `content.lines.0.amount`."""
    flat: dict[str, Any] = {name: row[name] for name in COLUMNS if name != "error"}
    flat["error"] = None if row["error"] is None else f"{row['error']['code']}: {row['error']['message']}"
    _flatten("content", row["content"], flat)
    for path, found in row["fields"].items():
        flat[f"confidence.{path}"] = found["confidence"]
    return flat


def values_first(columns: Iterable[str]) -> list[str]:
    """Columns of flat rows: values as their schema orders them, confidences last."""
    return sorted(columns, key=lambda name: name.startswith("confidence."))


def _flatten(path: str, value: Any, into: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _flatten(f"{path}.{key}", item, into)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _flatten(f"{path}.{index}", item, into)
    elif path != "content" or value is not None:
        into[path] = value
