"""What a step is given and what it gives: StepInput and StepOutput."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from nightdrop.errors import StepOutputInvalid
from nightdrop.portal import portal
from nightdrop.records.field import FieldResult
from nightdrop.records.run import FileRef
from nightdrop.records.run_error import RunError

T = TypeVar("T")

_PDF = "application/pdf"


Cut = Callable[[bytes, int, int], Awaitable[bytes]]
"""Makes a PDF of some pages of one: its bytes, the first page and the last, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFile:
    """A document of the run, as a step gets it: its bytes are read from the store when it asks for them.

    Or some pages of one, which `pages` gives: sha256 is then a name made of the whole's and the pages, `part` says
    which (the whole's sha256, first and last page), label what they are.
    """

    sha256: str
    size: int
    mime_type: str
    filename: str | None
    reader: Callable[[], Awaitable[bytes]] = field(repr=False, compare=False)
    cut: Cut | None = field(default=None, repr=False, compare=False)
    part: tuple[str, int, int] | None = None
    label: str = ""

    def pages(self, first: int, last: int, label: str = "") -> StepFile:
        """Pages of this PDF, from 1, both included, as a document of their own; nothing is cut before it is read."""
        if self.mime_type != _PDF or self.cut is None or self.part is not None:
            raise StepOutputInvalid(f"{self.filename or self.sha256} is no whole PDF: it has no pages to take")
        if not 1 <= first <= last:
            raise StepOutputInvalid(f"pages {first} to {last}: give the first and the last, from 1")
        named = f"{self.sha256}#pages={first}-{last}"
        cut, whole = self.cut, self.reader

        async def read() -> bytes:
            return await cut(await whole(), first, last)

        return replace(
            self,
            sha256=hashlib.sha256(named.encode()).hexdigest(),
            filename=f"{self.filename or 'document.pdf'}, pages {first} to {last}",
            reader=read,
            part=(self.sha256, first, last),
            label=label,
        )

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
    files: what the steps behind it get as their documents, in place of those before: documents of the run, and pages.
    """

    content: T | None = None
    stop: bool = False
    name: str = ""
    skipped: bool = False
    error: RunError | None = None
    fields: Mapping[str, FieldResult] = field(default_factory=dict)
    data: Any = field(default=None, repr=False)
    files: tuple[StepFile, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """The run that a step belongs to. files: the documents that were handed in. attempt: of the run, from 1."""

    workflow_id: str
    run_id: str
    session_id: str
    batch_id: str | None = None
    attempt: int = 1
    files: tuple[FileRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInput:
    """What a step gets. input: the run's message. files: its documents. previous_step_content, previous_step_output: of
    the step before.

    previous_step_outputs: of every step that has ended before this one, by name. state: a dict that passes through
    the run; what a step changes in it is recorded with its result. It takes JSON data. run, path: which run, and where
    in it: together with the session, the key for what a step does outside and may do twice. path is empty for a
    function that decides.
    """

    input: str
    files: tuple[StepFile, ...] = ()
    previous_step_content: Any = None
    previous_step_output: StepOutput[Any] | None = None
    previous_step_outputs: Mapping[str, StepOutput[Any]] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    run: StepRun | None = None
    path: str = ""

    def get_step_output(self, name: str) -> StepOutput[Any] | None:
        """The output of an earlier step, None if none of this name has run. Of a loop's steps: the latest."""
        return self.previous_step_outputs.get(name)

    def get_step_content(self, name: str) -> Any:
        """The content of an earlier step: a dict by branch for a Parallel; None if it has not run, or was skipped."""
        found = self.get_step_output(name)
        return None if found is None else found.content
