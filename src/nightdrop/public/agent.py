"""The Agent: model, instructions and schema over a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, Literal, overload

from pydantic import BaseModel

from nightdrop.agents import AgentSpec, OutputSchema, check_ready, model_id, named_models
from nightdrop.batch import BatchCall, documents_of, open_batch_for
from nightdrop.engine import engine_for, registry
from nightdrop.errors import UsageError
from nightdrop.ids import slug
from nightdrop.intake.listing import Given
from nightdrop.portal import portal
from nightdrop.public import execute
from nightdrop.public.batch import Batch
from nightdrop.public.execute import Files
from nightdrop.public.given import check_given
from nightdrop.public.stepped import stepped
from nightdrop.public.stored_runs import StoredRuns
from nightdrop.records.budget import Budget
from nightdrop.records.event import RunEvent
from nightdrop.records.rate_limit import RateLimit
from nightdrop.records.run import RunOutput
from nightdrop.rules import Rule
from nightdrop.settings import load_settings
from nightdrop.store import Database


class Agent(StoredRuns):
    """Turns documents into typed data.

    id: the route and the identity in rows; default: slug of name. model: "local" (no key, no network),
    "provider:name", a pydantic-ai Model, or a list of these: each is asked while the provider of those before it cannot
    answer. output_schema: a pydantic model or a JSON schema dict; None: text.
    db: None stores nothing. tools: functions the model may call before it answers. retries: how many failed or
    invalid calls of a document are tried again. limits: what the provider may be asked; None: found out. budget: what
    may be spent; it needs db. cache: a run over what an earlier one has answered is given its answer, without a call.
    long_documents: one too long for the model is cut by pages and the answers merged ("split"), or ends as
    `document_too_long` ("refuse"). validators: rules and functions that say whether an answer can be right.
    """

    def __init__(  # noqa: PLR0913 - a constructor of the contract
        self,
        *,
        model: Any,
        id: str | None = None,
        name: str | None = None,
        instructions: str | None = None,
        output_schema: type[BaseModel] | dict[str, Any] | None = None,
        db: Database | None = None,
        tools: Sequence[Callable[..., Any]] = (),
        retries: int = 1,
        limits: RateLimit | None = None,
        budget: Budget | None = None,
        cache: bool = False,
        long_documents: Literal["split", "refuse"] = "split",
        validators: Sequence[Rule | Callable[[Any], Any]] = (),
    ) -> None:
        schema = OutputSchema(output_schema)
        models = named_models(model)
        self.id = id or slug(name or "-".join([*map(_short, models), schema.name]))
        self.name = name or self.id
        self.db: Database | None = db
        self.spec = AgentSpec(
            id=self.id,
            name=self.name,
            model=models[0],
            fallbacks=models[1:],
            instructions=instructions,
            schema=schema,
            tools=tuple(tools),
            retries=retries,
            long_documents=long_documents,
            limits=limits,
            budget=budget,
            cache=cache,
            validators=tuple(validators) if isinstance(validators, Sequence) else validators,
        )
        check_given(self.spec, db)
        if db is not None:
            self.use(db)

    def use(self, db: Database) -> None:
        """Work on this database from now on; its process can execute this agent's runs there."""
        self.db = db
        registry.add(self.spec)

    def __repr__(self) -> str:
        models = [model_id(model) for model in self.spec.models]
        named = repr(models if len(models) > 1 else self.spec.model)
        return f"Agent(id={self.id!r}, model={named}, output_schema={self.spec.schema.name}, db={self.db})"

    @property
    def revision(self) -> str:
        """A hash of what decides its answers: models, instructions, schema, tools and validators."""
        return self.spec.revision

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
            return stepped(execute.stream(self.spec, self.db, call))
        return portal().call(execute.execute(self.spec, self.db, call))

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
            return execute.stream(self.spec, self.db, call)
        return execute.execute(self.spec, self.db, call)

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
        check_ready(self.spec)
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
        return Batch(engine, batch_id, self.spec.schema, call, files)


def _short(model: Any) -> str:
    return model if isinstance(model, str) else str(model.model_name)


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
