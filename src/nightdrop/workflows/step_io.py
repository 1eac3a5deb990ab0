"""What a step is given and what it gives: StepInput and StepOutput."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from nightdrop.portal import portal
from nightdrop.records.field import FieldResult
from nightdrop.records.run_error import RunError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFile:
    """A document of the run, as a step gets it: its bytes are read from the store when it asks for them."""

    sha256: str
    size: int
    mime_type: str
    filename: str | None
    reader: Callable[[], Awaitable[bytes]] = field(repr=False, compare=False)

    def read(self) -> bytes:
        """The bytes, in a sync step."""
        return portal().call(self.aread())

    async def aread(self) -> bytes:
        """The bytes, in an async step."""
        return await self.reader()


@dataclass(frozen=True, slots=True)
class StepOutput(Generic[T]):
    """What a step gives. stop: the workflow ends here, COMPLETED, with this content.

    A step may return one, or plain data, which is its content. The others are filled in by the workflow: name, skipped
    (it failed and was let go, or did not apply; content is None then), error, fields, and data, the content as JSON.
    """

    content: T | None = None
    stop: bool = False
    name: str = ""
    skipped: bool = False
    error: RunError | None = None
    fields: Mapping[str, FieldResult] = field(default_factory=dict)
    data: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInput:
    """What a step gets. input: the run's message. files: its documents. previous_step_content, previous_step_output: of
    the step before.

    previous_step_outputs: of every step that has ended before this one, by name. state: a dict that passes through
    the run; what a step changes in it is recorded with its result. It takes JSON data.
    """

    input: str
    files: tuple[StepFile, ...] = ()
    previous_step_content: Any = None
    previous_step_output: StepOutput[Any] | None = None
    previous_step_outputs: Mapping[str, StepOutput[Any]] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)

    def get_step_output(self, name: str) -> StepOutput[Any] | None:
        """The output of an earlier step, None if none of this name has run. Of a loop's steps: the latest."""
        return self.previous_step_outputs.get(name)

    def get_step_content(self, name: str) -> Any:
        """The content of an earlier step: a dict by branch for a Parallel; None if it has not run, or was skipped."""
        found = self.get_step_output(name)
        return None if found is None else found.content
