"""Running without a database: the same agent, nothing stored."""

from __future__ import annotations

from collections.abc import Sequence

from nightdrop import clock
from nightdrop.agents import AgentSpec, AnswerRequest, Attachment, answer
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import NightdropError
from nightdrop.ids import new_id
from nightdrop.intake.take import Taken
from nightdrop.records.metrics import RunMetrics
from nightdrop.records.request import RunRequest
from nightdrop.records.run import RunError, RunInput, RunOutput, RunStatus


async def run_in_memory(spec: AgentSpec, request: RunRequest, taken: Sequence[Taken], reader: ReaderPool) -> RunOutput:
    """One run, executed on the caller's event loop. A failure is status ERROR, as with a database."""
    started, begun = clock.now_ms(), clock.monotonic()
    error: RunError | None = None
    content, fields = None, {}
    try:
        found = await answer(
            spec,
            AnswerRequest(
                message=request.message,
                documents=[
                    Attachment(content=t.content or b"", mime_type=t.ref.mime_type or "", filename=t.ref.filename)
                    for t in taken
                ],
            ),
            reader,
        )
        content, fields = spec.schema.load(found.content), found.fields
    except NightdropError as problem:
        error = RunError(code=problem.code, message=problem.message, retryable=problem.retryable)
    run_id = new_id()
    return RunOutput(
        run_id=run_id,
        session_id=request.session_id or run_id,
        agent_id=spec.id,
        user_id=request.user_id,
        status=RunStatus.COMPLETED if error is None else RunStatus.ERROR,
        input=RunInput(message=request.message, files=request.files),
        content=content,
        fields=fields,
        metrics=RunMetrics(duration=clock.monotonic() - begun),
        error=error,
        attempts=1,
        metadata=request.metadata,
        created_at=clock.to_datetime(started),
        started_at=clock.to_datetime(started),
        completed_at=clock.to_datetime(clock.now_ms()),
    )
