"""The port of one workflow run: what is recorded of it, what its steps add, and its agents' answers."""

from __future__ import annotations

import asyncio
import base64
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from nightdrop.agents import AgentSpec, Answer, AnswerRequest, Attachment, Postponed
from nightdrop.documents.pool import ReaderPool
from nightdrop.records.event import RunEvent
from nightdrop.records.field import FieldResult
from nightdrop.records.step import StepResult
from nightdrop.workflows import Answered, Asked, StepFile, StepRun, WorkflowSpec, interpret

AskAgent = Callable[[AgentSpec, AnswerRequest, str, int], Awaitable[Answer]]
"""Asks an agent for a step: which, with what, the step's path and which try of it."""

_TAKE_PAGES = "nightdrop.documents.split:take_pages"

Store = Callable[[StepResult], Awaitable[StepResult]]


class RunSteps:
    """A `workflows.Port`. store: commits a result, and returns what is recorded then. run: whose steps they are."""

    passing: tuple[type[BaseException], ...] = (Postponed,)

    def __init__(
        self,
        documents: Sequence[Attachment],
        ask: AskAgent,
        store: Store,
        on_event: Callable[[RunEvent], None] | None,
        reader: ReaderPool,
        *,
        run: StepRun,
        recorded: Sequence[StepResult] = (),
    ) -> None:
        self._documents = documents
        self._ask = ask
        self._store = store
        self._on_event = on_event
        self._reader = reader
        self.run = run
        self._recorded: dict[str, list[StepResult]] = defaultdict(list)
        self._position = max((result.position for result in recorded), default=0)
        for result in recorded:
            self._recorded[result.path].append(result)

    @property
    def files(self) -> list[StepFile]:
        """The run's documents as steps get them."""
        return [
            StepFile(
                sha256=d.sha256,
                size=d.size,
                mime_type=d.mime_type,
                filename=d.filename,
                reader=d.read,
                cut=self._cut,
            )
            for d in self._documents
        ]

    async def _cut(self, content: bytes, first: int, last: int) -> bytes:
        found = await self._reader.call(_TAKE_PAGES, content, {"first": first, "last": last})
        return base64.b64decode(found["base64"])

    @property
    def results(self) -> tuple[StepResult, ...]:
        """Everything that is recorded now."""
        found = [result for results in self._recorded.values() for result in results]
        return tuple(sorted(found, key=lambda result: result.position))

    def recorded(self, path: str) -> Sequence[StepResult]:
        """The tries of a step that are recorded."""
        return tuple(self._recorded.get(path, ()))

    async def record(self, result: StepResult) -> StepResult:
        """Commit a result; a timeout around it gives up waiting, and what is committed is known here all the same."""
        self._position += 1
        return await asyncio.shield(self._commit(replace(result, attempt=self.run.attempt, position=self._position)))

    async def _commit(self, result: StepResult) -> StepResult:
        stored = await self._store(result)
        self._recorded[result.path].append(stored)
        self._tell(RunEvent(kind="step_ended", step=result.path, result=stored))
        return stored

    async def ask(self, asked: Asked) -> Answered:
        """The agent's answer."""
        agent = asked.agent
        assert isinstance(agent, AgentSpec)
        request = AnswerRequest(
            message=asked.message,
            documents=[_attachment(file) for file in asked.files],
            on_text=None if self._on_event is None else self._text_of(asked.path),
        )
        found = await self._ask(agent, request, asked.path, asked.number)
        checks = [check.to_json() for check in found.checks]
        fields = self._placed(found.fields, asked.files)
        return Answered(content=found.content, fields=fields, detail={"checks": checks} if checks else None)

    def _placed(self, fields: Mapping[str, FieldResult], files: Sequence[StepFile]) -> dict[str, FieldResult]:
        """Where each value stands in the run's own documents, whatever part of them the agent has seen."""
        place = {document.sha256: at for at, document in enumerate(self._documents)}

        def placed(field: FieldResult) -> FieldResult:
            if field.document is None or field.document >= len(files):
                return field
            of, first, _ = files[field.document].part or (files[field.document].sha256, 1, 1)
            page = None if field.page is None else field.page + first - 1
            return replace(field, document=place[of], page=page)

        return {path: placed(field) for path, field in fields.items()}

    def started(self, path: str) -> None:
        """A step begins a try."""
        self._tell(RunEvent(kind="step_started", step=path))

    def _text_of(self, path: str) -> Callable[[str], None]:
        return lambda text: self._tell(RunEvent(kind="text", text=text, step=path))

    def _tell(self, event: RunEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)


async def output_of(spec: WorkflowSpec, steps: RunSteps, message: str) -> Answer:
    """What a workflow's run comes to, as JSON data. Raises StepFailed, PauseRequested or Postponed."""
    found = await interpret(spec, steps, message, steps.files)
    return Answer(content=found.data, fields=dict(found.fields))


def _attachment(file: StepFile) -> Attachment:
    return Attachment(
        sha256=file.sha256, size=file.size, read=file.reader, mime_type=file.mime_type, filename=file.filename
    )
