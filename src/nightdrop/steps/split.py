"""A packet of several documents in one PDF, taken apart by page ranges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from nightdrop.errors import StepOutputInvalid
from nightdrop.workflows import StepInput, StepOutput


class PageRange(BaseModel):
    """One document of a packet: what it is, and its pages, from 1, both included."""

    label: str
    first: int = Field(ge=1)
    last: int = Field(ge=1)


_RANGES = TypeAdapter(list[PageRange])


@dataclass(frozen=True)
class Split:
    """A step: takes the run's first document apart; the steps behind it get its parts as their documents.

    ranges: what parts there are, a function of StepInput that gives PageRanges or dicts like them; None: the content
    before it is the list, or has it in `parts`, as a classifying agent answers with `output_schema=` of that shape.
    Its content is the list of ranges. `Step(agent=..., files="invoice")` asks about the parts with that label.
    """

    ranges: Callable[[StepInput], Sequence[Any]] | None = None
    returns: Any = list[PageRange]

    def labels_behind(self, before: Sequence[str] | None) -> Sequence[str] | None:
        """For `nightdrop workflow check`: those of the step before; of a function any."""
        return before if self.ranges is None else None

    def __call__(self, given: StepInput) -> StepOutput[list[PageRange]]:
        """The ranges as content, the parts as files. Raises StepOutputInvalid for what is no list of ranges."""
        found = self.ranges(given) if self.ranges is not None else _from_before(given)
        try:
            ranges = _RANGES.validate_python(found, from_attributes=True)
        except ValidationError as error:
            raise StepOutputInvalid(
                f"Split: no list of label, first and last page: {error.errors()[0]['msg']}"
            ) from error
        if not ranges or not given.files:
            raise StepOutputInvalid("Split: there is nothing to take apart")
        return StepOutput(ranges, files=tuple(given.files[0].pages(r.first, r.last, r.label) for r in ranges))


def _from_before(given: StepInput) -> Any:
    data = None if given.previous_step_output is None else given.previous_step_output.data
    return data.get("parts") if isinstance(data, dict) else data
