"""Which fields of an extraction nobody can be sure of."""

from __future__ import annotations

from typing import Any

from nightdrop.workflows import StepOutput


def doubtful(output: StepOutput[Any] | None, below: float) -> list[str]:
    """The dotted paths whose confidence is below this (0 to 1), looked for and not found included. What nothing is
    known about is in doubt too: a step without fields has all its top-level names here."""
    if output is None or output.skipped or not isinstance(output.data, dict):
        return ["*"]
    if not output.fields:
        return sorted(output.data)
    return [path for path, field in output.fields.items() if field.confidence is None or field.confidence < below]
