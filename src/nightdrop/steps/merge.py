"""One result out of several extractions of the same document: of each field the value that is surest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from nightdrop.errors import StepOutputInvalid, WorkflowInvalid
from nightdrop.records.field import FieldResult
from nightdrop.workflows import StepInput, StepOutput

_UNKNOWN = 0.5
"""How sure a value is of which nobody said how sure it is."""


@dataclass(frozen=True)
class Merge:
    """A step: merges the contents of earlier steps, named by `of`, those that ran; the first wins a tie.

    returns: the schema of the result, a pydantic model; None: JSON data. A field is a top-level name of the content: a
    list such as invoice lines is taken whole, and is as sure as its least sure value. Null loses to any value.
    """

    of: Sequence[str]
    returns: type[BaseModel] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.of, str) or not self.of:
            raise WorkflowInvalid(f"Merge(of={self.of!r}): give a list of names of steps")

    def __call__(self, given: StepInput) -> StepOutput[Any]:
        """The merged content, with the fields of what was taken. Raises StepOutputInvalid when none has content."""
        found = [output for output in map(given.get_step_output, self.of) if output is not None and output.data]
        if not found or not all(isinstance(output.data, dict) for output in found):
            raise StepOutputInvalid(f"Merge: none of {', '.join(self.of)} has a content with names and values")
        content: dict[str, Any] = {}
        fields: dict[str, FieldResult] = {}
        for name in dict.fromkeys(key for output in found for key in output.data):
            best = max((o for o in found if name in o.data), key=lambda output: _sureness(output, name))
            content[name] = best.data[name]
            fields |= _below(best.fields, name)
        return StepOutput(content, fields=fields)


def _sureness(output: StepOutput[Any], name: str) -> float:
    if output.data[name] in (None, [], {}):
        return -1.0
    known = [_UNKNOWN if f.confidence is None else f.confidence for f in _below(output.fields, name).values()]
    return min(known, default=_UNKNOWN)


def _below(fields: Mapping[str, FieldResult], name: str) -> dict[str, FieldResult]:
    return {path: field for path, field in fields.items() if path == name or path.startswith(f"{name}.")}
