"""How an attempt comes to its end: an agent's by the answer of its model, a workflow's by its steps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from nightdrop.agents import AgentSpec, Answer, AnswerRequest, Attachment, answer
from nightdrop.documents.opened import check_readable
from nightdrop.documents.pool import ReaderPool
from nightdrop.engine.call_log import DurableLog
from nightdrop.engine.desk import Desk
from nightdrop.engine.purses import Purses
from nightdrop.engine.registry import Registry, Spec
from nightdrop.engine.reviewing import End, corrected, ending
from nightdrop.engine.room import Room
from nightdrop.engine.step_review import reviewed_by_person
from nightdrop.engine.steps import RunSteps, output_of
from nightdrop.engine.waiters import Waiters
from nightdrop.errors import NightdropError
from nightdrop.faults import reach
from nightdrop.limits.caller import Caller, calling
from nightdrop.pausing import decided
from nightdrop.records.event import RunEvent
from nightdrop.records.step import StepResult
from nightdrop.store.load import Work
from nightdrop.store.steps import add_step
from nightdrop.workflows import StepRun

OnEvent = Callable[[RunEvent], None]


class Answering:
    """Lives as long as the engine. Every call of a model goes through the ledger of the run."""

    def __init__(
        self, desk: Desk, registry: Registry, reader: ReaderPool, waiters: Waiters, purses: Purses, room: Room
    ) -> None:
        self._desk = desk
        self._registry = registry
        self._reader = reader
        self._waiters = waiters
        self._purses = purses
        self._room = room

    async def end(self, work: Work, on_event: OnEvent | None) -> End:
        """The write that ends an attempt with a valid answer; one that people have corrected asks nobody.

        Raises what the run fails with, PauseRequested or Postponed.
        """
        spec = self._spec(work)
        if not isinstance(spec, AgentSpec):
            return ending(None, work, await self._answer(work, spec, on_event))
        if work.reviewed is not None:
            request = self._request(work, on_event)
            async with self._held(request):
                return await corrected(spec, work, work.reviewed, request, self._reader)
        return ending(spec, work, await self._answer(work, spec, on_event))

    async def _answer(self, work: Work, spec: Spec, on_event: OnEvent | None) -> Answer:
        with decided(work.decisions), calling(self._caller(work)):
            if isinstance(spec, AgentSpec):
                return await self._ask(work, spec, self._request(work, on_event), "", 1)
            steps = RunSteps(
                self._documents(work),
                partial(self._ask_step, work),
                partial(self._store, work.run.run_id),
                on_event,
                self._reader,
                run=_run_of(work),
                recorded=work.run.steps,
            )
            return await output_of(spec, steps, work.run.input.message)

    async def _store(self, run_id: str, result: StepResult) -> StepResult:
        stored = await self._desk.insist(partial(add_step, run_id=run_id, result=result))
        reach("step.committed")
        return stored

    async def _ask_step(self, work: Work, spec: AgentSpec, request: AnswerRequest, path: str, number: int) -> Answer:
        found = await self._ask(work, spec, request, path, number)
        return await reviewed_by_person(spec, found, request, self._reader, path)

    async def _ask(self, work: Work, spec: AgentSpec, request: AnswerRequest, path: str, number: int) -> Answer:
        calls = DurableLog(self._desk, work, self._purses, self._purses.of(spec, work), path, number)
        async with self._held(request):
            return await answer(spec, request, self._reader, calls)

    def _held(self, request: AnswerRequest) -> AbstractAsyncContextManager[None]:
        """Room for what an agent is asked about; a workflow holds nothing itself."""
        return self._room.held(sum(document.size for document in request.documents))

    def _request(self, work: Work, on_event: OnEvent | None) -> AnswerRequest:
        on_text = None if on_event is None else partial(_tell_text, on_event)
        return AnswerRequest(message=work.run.input.message, documents=self._documents(work), on_text=on_text)

    def _caller(self, work: Work) -> Caller:
        """A batch is one lane. What somebody here waits for does not wait for a paused provider."""
        run = work.run
        return Caller(
            lane=run.batch_id or run.run_id,
            document=run.run_id,
            priority=work.priority,
            waits=lambda: run.batch_id is not None or not self._waiters.is_expected(run.run_id),
        )

    def _spec(self, work: Work) -> Spec:
        subject_id = work.run.agent_id or work.run.workflow_id or ""
        spec = self._registry.find(subject_id, work.revision)
        if spec is None:
            raise NightdropError(f"{subject_id} at revision {work.revision} is not loaded in this process")
        return spec

    def _documents(self, work: Work) -> list[Attachment]:
        for ref, doc in work.documents:
            check_readable(doc.size, ref.filename)
        return [
            Attachment(
                sha256=doc.sha256,
                size=doc.size,
                read=partial(self._desk.blob, doc.location),
                mime_type=doc.mime_type,
                filename=ref.filename,
            )
            for ref, doc in work.documents
        ]


def _run_of(work: Work) -> StepRun:
    run = work.run
    return StepRun(
        workflow_id=run.workflow_id or "",
        run_id=run.run_id,
        session_id=run.session_id,
        batch_id=run.batch_id,
        attempt=work.attempt,
        files=run.input.files,
    )


def _tell_text(on_event: OnEvent, text: str) -> None:
    on_event(RunEvent(kind="text", text=text))
