"""What happens in a streamed run before its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nightdrop.records.step import StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """started: the run was taken on. text: a piece of the answer as the model writes it, in `text`.

    step_started, step_ended: a step of a workflow, named in `step` by its path; `result` is how it ended, recorded.
    """

    kind: Literal["started", "text", "step_started", "step_ended"]
    text: str = ""
    step: str | None = None
    result: StepResult | None = None
