"""Running without a database: the same agent or workflow, nothing stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from nightdrop import clock
from nightdrop.agents import AgentSpec, Answer, AnswerRequest, Attachment, Postponed, answer
from nightdrop.documents.pool import ReaderPool
from nightdrop.engine.steps import RunSteps, output_of
from nightdrop.errors import NightdropError
from nightdrop.ids import new_id
from nightdrop.intake.take import Taken
from nightdrop.ledger.log import MemoryLog, metrics_of_logs
from nightdrop.records.event import RunEvent
from nightdrop.records.request import RunRequest
from nightdrop.records.run import RunInput, RunOutput, RunStatus
from nightdrop.records.run_error import RunError
from nightdrop.records.step import StepResult
from nightdrop.workflows import StepRun, WorkflowSpec, content_of


async def run_in_memory(
    spec: AgentSpec,
    request: RunRequest,
    taken: Sequence[Taken],
    reader: ReaderPool,
    on_event: Callable[[RunEvent], None] | None = None,
) -> RunOutput:
    """One run, executed on the caller's event loop. A failure is status ERROR, as with a database."""
    started, begun, run_id = clock.now_ms(), clock.monotonic(), new_id()
    log = MemoryLog(run_id)
    on_text = None if on_event is None else (lambda text: on_event(RunEvent(kind="text", text=text)))
    asked = AnswerRequest(message=request.message, documents=attachments_of(taken), on_text=on_text)
    error: RunError | None = None
    content, found = None, None
    try:
        found = await _answer_in_time(spec, asked, reader, log)
        content = spec.schema.load(found.content)
    except NightdropError as problem:
        error = RunError(code=problem.code, message=problem.message, retryable=problem.retryable)
    return RunOutput(
        run_id=run_id,
        session_id=request.session_id or run_id,
        agent_id=spec.id,
        user_id=request.user_id,
        status=RunStatus.COMPLETED if error is None else RunStatus.ERROR,
        input=RunInput(message=request.message, files=request.files),
        content=content,
        fields=found.fields if found else {},
        checks=found.checks if found else (),
        metrics=log.metrics(clock.monotonic() - begun),
        error=error,
        attempts=1,
        metadata=request.metadata,
        created_at=clock.to_datetime(started),
        started_at=clock.to_datetime(started),
        completed_at=clock.to_datetime(clock.now_ms()),
    )


async def run_workflow_in_memory(
    spec: WorkflowSpec,
    request: RunRequest,
    taken: Sequence[Taken],
    reader: ReaderPool,
    on_event: Callable[[RunEvent], None] | None = None,
) -> RunOutput:
    """One run of a workflow: the same interpreter as with a database, its results kept by this call alone."""
    started, begun, run_id = clock.now_ms(), clock.monotonic(), new_id()
    logs: dict[tuple[str, int], MemoryLog] = {}

    async def ask(agent: AgentSpec, asked: AnswerRequest, path: str, number: int) -> Answer:
        log = logs.setdefault((path, number), MemoryLog(run_id, path, number))
        return await _answer_in_time(agent, asked, reader, log)

    run = StepRun(workflow_id=spec.id, run_id=run_id, session_id=request.session_id or run_id, files=request.files)
    steps = RunSteps(attachments_of(taken), ask, _keep, on_event, reader, run=run)
    error: RunError | None = None
    content, fields = None, {}
    try:
        found = await output_of(spec, steps, request.message)
        content, fields = content_of(spec, steps.results, found.content), found.fields
    except NightdropError as problem:
        error = RunError(code=problem.code, message=problem.message, retryable=problem.retryable)
    return RunOutput(
        run_id=run_id,
        session_id=run.session_id,
        workflow_id=spec.id,
        user_id=request.user_id,
        status=RunStatus.COMPLETED if error is None else RunStatus.ERROR,
        input=RunInput(message=request.message, files=request.files),
        content=content,
        fields=fields,
        metrics=metrics_of_logs(list(logs.values()), clock.monotonic() - begun),
        error=error,
        attempts=1,
        metadata=request.metadata,
        created_at=clock.to_datetime(started),
        started_at=clock.to_datetime(started),
        completed_at=clock.to_datetime(clock.now_ms()),
        steps=tuple(_with_cost(result, logs) for result in steps.results),
    )


async def _keep(result: StepResult) -> StepResult:
    return result


def _with_cost(result: StepResult, logs: dict[tuple[str, int], MemoryLog]) -> StepResult:
    log = logs.get((result.path, result.number))
    return result if log is None else replace(result, metrics=log.metrics(result.duration or 0.0))


def attachments_of(taken: Sequence[Taken]) -> list[Attachment]:
    """Documents that were handed in, as steps and models get them."""
    return [_attachment(t) for t in taken]


async def _answer_in_time(spec: AgentSpec, asked: AnswerRequest, reader: ReaderPool, log: MemoryLog) -> Answer:
    """The answer; a long wait is waited for here, since there is no queue to go back to."""
    while True:
        try:
            return await answer(spec, asked, reader, log)
        except Postponed as later:
            await asyncio.sleep(later.seconds)


def _attachment(taken: Taken) -> Attachment:
    return Attachment(
        sha256=taken.ref.sha256 or "",
        size=len(taken.content or b""),
        read=taken.read,
        mime_type=taken.ref.mime_type or "",
        filename=taken.ref.filename,
    )
