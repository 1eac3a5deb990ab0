"""The port of one workflow run: what is recorded of it, what its steps add, and its agents' answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from nightdrop.agents import AgentSpec, Answer, AnswerRequest, Attachment, Postponed
from nightdrop.records.event import RunEvent
from nightdrop.records.step import StepResult
from nightdrop.workflows import Answered, Asked, StepFile, WorkflowSpec, interpret

AskAgent = Callable[[AgentSpec, AnswerRequest, str, int], Awaitable[Answer]]
"""Asks an agent for a step: which, with what, the step's path and which try of it."""

Store = Callable[[StepResult], Awaitable[StepResult]]


class RunSteps:
    """A `workflows.Port`. store: commits a result, and returns what is recorded then."""

    passing: tuple[type[BaseException], ...] = (Postponed,)

    def __init__(
        self,
        documents: Sequence[Attachment],
        ask: AskAgent,
        store: Store,
        on_event: Callable[[RunEvent], None] | None,
        *,
        attempt: int = 1,
        recorded: Sequence[StepResult] = (),
    ) -> None:
        self._documents = documents
        self._ask = ask
        self._store = store
        self._on_event = on_event
        self._attempt = attempt
        self._recorded: dict[str, list[StepResult]] = defaultdict(list)
        self._position = max((result.position for result in recorded), default=0)
        for result in recorded:
            self._recorded[result.path].append(result)

    @property
    def files(self) -> list[StepFile]:
        """The run's documents as steps get them."""
        return [
            StepFile(sha256=d.sha256, size=d.size, mime_type=d.mime_type, filename=d.filename, reader=d.read)
            for d in self._documents
        ]

    @property
    def results(self) -> tuple[StepResult, ...]:
        """Everything that is recorded now."""
        found = [result for results in self._recorded.values() for result in results]
        return tuple(sorted(found, key=lambda result: result.position))

    def recorded(self, path: str) -> Sequence[StepResult]:
        """The tries of a step that are recorded."""
        return tuple(self._recorded.get(path, ()))

    async def record(self, result: StepResult) -> StepResult:
        """Commit a result."""
        self._position += 1
        stored = await self._store(replace(result, attempt=self._attempt, position=self._position))
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
        return Answered(content=found.content, fields=found.fields, detail={"checks": checks} if checks else None)

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
