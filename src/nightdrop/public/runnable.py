"""What an agent and a workflow have alike: run, arun, batch, and everything that is done with stored runs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, Literal, overload

from nightdrop.agents import AgentSpec, check_ready
from nightdrop.batch import BatchCall, documents_of, open_batch_for
from nightdrop.engine import engine_for, registry
from nightdrop.errors import DatabaseRequired, UsageError
from nightdrop.intake.listing import Given
from nightdrop.intake.take import Taken
from nightdrop.portal import portal
from nightdrop.public import execute
from nightdrop.public.batch import Batch
from nightdrop.public.execute import Files
from nightdrop.public.stepped import stepped
from nightdrop.public.stored_runs import StoredRuns
from nightdrop.records.event import RunEvent
from nightdrop.records.request import RunRequest
from nightdrop.records.run import RunOutput
from nightdrop.settings import load_settings
from nightdrop.store import Database


class Runnable(StoredRuns):
    """Runs over documents, with a database or without."""

    id: str
    name: str

    @property
    def revision(self) -> str:
        """A hash of what decides its answers."""
        return str(self.spec.revision)

    def use(self, db: Database) -> None:
        """Work on this database from now on; its process can execute these runs there."""
        self.db = db
        registry.add(self.spec)

    @property
    @abstractmethod
    def _agents(self) -> Sequence[AgentSpec]:
        """The agents that a run may ask."""

    @abstractmethod
    async def _in_memory(
        self, request: RunRequest, taken: Sequence[Taken], on_event: Callable[[RunEvent], None] | None
    ) -> RunOutput:
        """A run of which nothing is stored."""

    def check(self, *, bounded: bool = False) -> None:
        """Whether its models can be called: packages, keys, prices. bounded: a budget will count. Raises UsageError."""
        for agent in self._agents:
            check_ready(agent, bounded=bounded)
            if agent.budget is not None and self.db is None:
                raise DatabaseRequired('budget= needs a database: db=SqliteDb("nightdrop.db")')
            if agent.review is not None and self.db is None:
                raise DatabaseRequired('review= needs a database: db=SqliteDb("nightdrop.db")')

    def _check_documents(self, taken: Sequence[Taken]) -> None:
        """Whether it can take so many documents. Raises UsageError."""
        if len(taken) != 1 and any(agent.is_local for agent in self._agents):
            raise UsageError(f'model="local" reads one document per run, got {len(taken)}: use batch() for many')

    @overload
    def run(
        self,
        input: str = "",
        *,
        files: Files = (),
        session_id: str | None = None,
        user_id: str | None = None,
        background: bool = False,
        stream: Literal[False] = False,
        rerun: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> RunOutput: ...

    @overload
    def run(
        self,
        input: str = "",
        *,
        files: Files = (),
        session_id: str | None = None,
        user_id: str | None = None,
        background: bool = False,
        stream: Literal[True],
        rerun: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> Iterator[RunEvent | RunOutput]: ...

    def run(
        self,
        input: str = "",
        *,
        files: Files = (),
        session_id: str | None = None,
        user_id: str | None = None,
        background: bool = False,
        stream: bool = False,
        rerun: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> RunOutput | Iterator[RunEvent | RunOutput]:
        """Run over these files and wait for the end (with background: return once accepted, PENDING).

        A failure of the run is status ERROR. Raises InputError for a document that cannot be used, before anything
        is stored. stream=True: an iterator of RunEvents that ends with the RunOutput.
        """
        call = _call(input, files, session_id, user_id, background, rerun, metadata)
        if stream:
            return stepped(execute.stream(self, call))
        return portal().call(execute.execute(self, call))

    @overload
    def arun(
        self,
        input: str = "",
        *,
        files: Files = (),
        session_id: str | None = None,
        user_id: str | None = None,
        background: bool = False,
        stream: Literal[False] = False,
        rerun: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> Coroutine[Any, Any, RunOutput]: ...

    @overload
    def arun(
        self,
        input: str = "",
        *,
        files: Files = (),
        session_id: str | None = None,
        user_id: str | None = None,
        background: bool = False,
        stream: Literal[True],
        rerun: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> AsyncIterator[RunEvent | RunOutput]: ...

    def arun(
        self,
        input: str = "",
        *,
        files: Files = (),
        session_id: str | None = None,
        user_id: str | None = None,
        background: bool = False,
        stream: bool = False,
        rerun: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> Coroutine[Any, Any, RunOutput] | AsyncIterator[RunEvent | RunOutput]:
        """`run` for async code: `await` it, or with stream=True `async for` over it. Cancelling cancels the run."""
        call = _call(input, files, session_id, user_id, background, rerun, metadata)
        if stream:
            return execute.stream(self, call)
        return execute.execute(self, call)

    def batch(self, source: Given, input: str = "", **options: Any) -> Batch:
        """A run for each distinct document of a folder, glob, manifest, URL, list or iterator; see `abatch`."""
        return portal().call(self.abatch(source, input, **options))

    async def abatch(  # noqa: PLR0913 - the options are the contract
        self,
        source: Given,
        input: str = "",
        *,
        user_id: str | None = None,
        concurrency: int | None = None,
        limit: int | None = None,
        rerun: bool = False,
        retry_failed: bool = False,
        priority: int | None = None,
        weight: int | None = None,
    ) -> Batch:
        """Start (or continue) a batch; returns when its row is committed, while documents are being accepted.

        The document's hash is its session: what is known already is not run again. concurrency: runs at a time in
        this process, fixed by its first batch. limit: take only so many documents. retry_failed: try failed ones again.
        priority: lower goes first (10; single runs have 0). weight: of its documents for each one of weight 1 (1).
        """
        db = self._database("batch")
        self.check()
        for name, value in (("limit", limit), ("concurrency", concurrency)):
            if value is not None and value < 1:
                raise UsageError(f"{name}={value}: give 1 or more")
        call = BatchCall(
            subject=self.spec.subject,
            source=source,
            message=input,
            user_id=user_id,
            limit=limit,
            rerun=rerun,
            retry_failed=retry_failed,
            max_bytes=load_settings().max_file_bytes,
            cache=self.spec.cache,
            priority=priority,
            weight=weight,
        )
        return await portal().bridge(self._open(db, call, concurrency))

    async def _open(self, db: Database, call: BatchCall, concurrency: int | None) -> Batch:
        files = await documents_of(call)
        engine = await engine_for(db, concurrency=concurrency)
        batch_id = await open_batch_for(engine, call)
        return Batch(engine, batch_id, self._typed, call, files)


def _call(
    input: str,
    files: Files,
    session_id: str | None,
    user_id: str | None,
    background: bool,
    rerun: bool,
    metadata: dict[str, Any] | None,
) -> execute.RunCall:
    return execute.RunCall(
        input=input,
        files=files,
        session_id=session_id,
        user_id=user_id,
        background=background,
        rerun=rerun,
        metadata=metadata or {},
    )
