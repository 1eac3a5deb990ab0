"""Running without a database: the same agent, nothing stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from nightdrop import clock
from nightdrop.agents import AgentSpec, Answer, AnswerRequest, Attachment, Postponed, answer
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import NightdropError
from nightdrop.ids import new_id
from nightdrop.intake.take import Taken
from nightdrop.ledger.log import MemoryLog
from nightdrop.records.request import RunRequest
from nightdrop.records.run import RunError, RunInput, RunOutput, RunStatus


async def run_in_memory(
    spec: AgentSpec,
    request: RunRequest,
    taken: Sequence[Taken],
    reader: ReaderPool,
    on_text: Callable[[str], None] | None = None,
) -> RunOutput:
    """One run, executed on the caller's event loop. A failure is status ERROR, as with a database."""
    started, begun, run_id = clock.now_ms(), clock.monotonic(), new_id()
    log = MemoryLog(run_id)
    asked = AnswerRequest(message=request.message, documents=[_attachment(t) for t in taken], on_text=on_text)
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
