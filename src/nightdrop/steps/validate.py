"""Rules over what a step gave: a document that breaks one fails here, or goes to a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from nightdrop.errors import StepOutputInvalid, WorkflowInvalid
from nightdrop.rules import Rule
from nightdrop.workflows import StepInput, StepOutput


@dataclass(frozen=True)
class Validate:
    """A step: holds the content before it to `nightdrop.rules`, and passes it on, fields included.

    of: the name of another step whose content is meant. returns: its schema; None: it goes on as JSON data. A broken
    rule is `step_output_invalid`; give `Step(executor=Validate(...), on_error="pause")` to ask a person instead.
    """

    rules: Sequence[Rule]
    of: str | None = None
    returns: type[BaseModel] | None = None

    def __post_init__(self) -> None:
        if not self.rules or not all(isinstance(rule, Rule) for rule in self.rules):
            raise WorkflowInvalid(f"Validate(rules={self.rules!r}): give a list of rules from nightdrop.rules")

    def __call__(self, given: StepInput) -> StepOutput[Any]:
        """The content as it is. Raises StepOutputInvalid that has every broken rule."""
        before = given.get_step_output(self.of) if self.of is not None else given.previous_step_output
        data = None if before is None else before.data
        problems = [f"{rule.name}: {failed.message}" for rule in self.rules for failed in rule.test(data)]
        if problems:
            raise StepOutputInvalid("; ".join(problems))
        return StepOutput(data, fields={} if before is None else before.fields)
