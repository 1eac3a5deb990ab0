"""The Agent: model, instructions and schema over a database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from nightdrop.agents import LOCAL, AgentSpec, OutputSchema, check_name, check_ready
from nightdrop.batch import BatchCall, documents_of, open_batch_for
from nightdrop.documents.pool import ReaderPool
from nightdrop.engine import Engine, engine_for, reader_pool, registry
from nightdrop.errors import DatabaseRequired, RunNotFound, UsageError
from nightdrop.ids import slug
from nightdrop.intake.listing import Source
from nightdrop.intake.take import Taken, take_file
from nightdrop.portal import portal
from nightdrop.public.batch import Batch
from nightdrop.public.in_memory import run_in_memory
from nightdrop.records.document import NewDocument
from nightdrop.records.file import File
from nightdrop.records.request import Accepted, RunRequest
from nightdrop.records.run import RunOutput
from nightdrop.settings import load_settings
from nightdrop.store import Database
from nightdrop.store.load import load_run

_INSPECT = "nightdrop.documents.inspect:inspect"
Files = Sequence[File | str | os.PathLike[str]]


class Agent:
    """Turns documents into typed data.

    id: the route and the identity in rows; default: slug of name. model: "local" (no key, no network),
    "provider:name", or a pydantic-ai Model. output_schema: a pydantic model or a JSON schema dict; None: text.
    db: None stores nothing. retries: how many failed or invalid calls of a document are tried again.
    """

    def __init__(
        self,
        *,
        model: Any,
        id: str | None = None,
        name: str | None = None,
        instructions: str | None = None,
        output_schema: type[BaseModel] | dict[str, Any] | None = None,
        db: Database | None = None,
        retries: int = 1,
    ) -> None:
        schema = OutputSchema(output_schema)
        check_name(model)
        if model == LOCAL and schema.json_schema is None:
            raise UsageError('model="local" fills a schema: give output_schema=, such as nightdrop.schemas.Invoice')
        if db is not None and not isinstance(db, Database):
            raise UsageError(f"db={db!r} is not a database: give db=SqliteDb({str(db)!r})")
        if retries < 0:
            raise UsageError(f"retries={retries}: give 0 or more")
        self.id = id or slug(name or f"{model if isinstance(model, str) else model.model_name}-{schema.name}")
        self.name = name or self.id
        self.db = db
        self.spec = AgentSpec(
            id=self.id, name=self.name, model=model, instructions=instructions, schema=schema, retries=retries
        )
        if db is not None:
            registry.add(self.spec)

    def __repr__(self) -> str:
        return f"Agent(id={self.id!r}, model={self.spec.model!r}, output_schema={self.spec.schema.name}, db={self.db})"

    @property
    def revision(self) -> str:
        """A hash of what decides its answers: model, instructions and schema."""
        return self.spec.revision

    def run(
        self,
        input: str = "",
        *,
        files: Files = (),
        session_id: str | None = None,
        user_id: str | None = None,
        background: bool = False,
        rerun: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> RunOutput:
        """Run over these files and wait for the end (with background: return once accepted, PENDING).

        A failure of the run is status ERROR. Raises InputError for a document that cannot be used, before anything
        is stored.
        """
        return portal().call(
            self.arun(
                input,
                files=files,
                session_id=session_id,
                user_id=user_id,
                background=background,
                rerun=rerun,
                metadata=metadata,
            )
        )

    async def arun(
        self,
        input: str = "",
        *,
        files: Files = (),
        session_id: str | None = None,
        user_id: str | None = None,
        background: bool = False,
        rerun: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> RunOutput:
        """`run` for async code. Cancelling the wait cancels the run."""
        if background and self.db is None:
            raise DatabaseRequired(f'background=True needs a database: Agent(db=SqliteDb("nightdrop.db")), {self!r}')
        check_ready(self.spec)
        max_bytes = load_settings().max_file_bytes
        if isinstance(files, str | os.PathLike | File):
            raise UsageError(f"files= takes a list: give files=[{files!r}]")
        given = [f if isinstance(f, File) else File(filepath=f) for f in files]
        taken = list(await asyncio.gather(*[asyncio.to_thread(take_file, f, max_bytes) for f in given]))
        await _inspect(taken, reader_pool())
        request = RunRequest(
            subject=self.spec.subject,
            message=input,
            files=tuple(t.ref for t in taken),
            session_id=session_id,
            user_id=user_id,
            metadata=metadata or {},
            rerun=rerun,
        )
        if self.db is None:
            return await portal().bridge(run_in_memory(self.spec, request, taken, reader_pool()))
        return await portal().bridge(self._durable(self.db, request, taken, background))

    def get_run_output(self, run_id: str, session_id: str | None = None) -> RunOutput:
        """The run as committed now, from any process on the same database. Raises RunNotFound."""
        del session_id  # taken for those who are used to give it; the run_id is enough
        db = self._database("get_run_output")
        with db.read() as connection:
            run = load_run(connection, run_id)
        if run is None:
            raise RunNotFound(f"there is no run {run_id!r} in {db.label}")
        return self._typed(run)

    async def aget_run_output(self, run_id: str, session_id: str | None = None) -> RunOutput:
        """`get_run_output` for async code."""
        return await asyncio.to_thread(self.get_run_output, run_id, session_id)

    def cancel_run(self, run_id: str) -> bool:
        """Ask a run to stop, from any process: a waiting one never starts. False when it had ended already."""
        return portal().call(self.acancel_run(run_id))

    async def acancel_run(self, run_id: str) -> bool:
        """`cancel_run` for async code."""
        db = self._database("cancel_run")

        async def cancel() -> bool:
            engine = await engine_for(db)
            await engine.load(run_id)
            return await engine.cancel([run_id]) == 1

        return await portal().bridge(cancel())

    def batch(self, source: Source, input: str = "", **options: Any) -> Batch:
        """A run for each distinct document of a folder, glob, manifest, URL, list or iterator; see `abatch`."""
        return portal().call(self.abatch(source, input, **options))

    async def abatch(
        self,
        source: Source,
        input: str = "",
        *,
        user_id: str | None = None,
        concurrency: int | None = None,
        limit: int | None = None,
        rerun: bool = False,
        retry_failed: bool = False,
    ) -> Batch:
        """Start (or continue) a batch; returns when its row is committed, while documents are being accepted.

        The document's hash is its session: what is known already is not run again. concurrency: runs at a time in
        this process, fixed by its first batch. limit: take only so many documents. retry_failed: try failed ones again.
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
        )
        return await portal().bridge(self._open(db, call, concurrency))

    async def _open(self, db: Database, call: BatchCall, concurrency: int | None) -> Batch:
        files = await documents_of(call)
        engine = await engine_for(db, concurrency=concurrency)
        batch_id = await open_batch_for(engine, call)
        return Batch(engine, batch_id, self.spec.schema, call, files)

    async def _durable(self, db: Database, request: RunRequest, taken: Sequence[Taken], background: bool) -> RunOutput:
        registry.add(self.spec)
        engine = await engine_for(db)
        documents = [t.document for t in taken if t.document is not None]
        accepted = await _accept_or_withdraw(engine, request, documents)
        if background:
            return self._typed(await engine.load(accepted.run_id))
        return self._typed(await _wait_or_cancel(engine, accepted.run_id, accepted.fresh))

    def _typed(self, run: RunOutput) -> RunOutput:
        return replace(run, content=self.spec.schema.load(run.content))

    def _database(self, call: str) -> Database:
        if self.db is None:
            raise DatabaseRequired(f'{call}() needs a database: Agent(db=SqliteDb("nightdrop.db"))')
        return self.db


async def _inspect(taken: Sequence[Taken], reader: ReaderPool) -> None:
    """Open each PDF, so that an encrypted or damaged one is refused before anything is stored."""
    pdfs = [t for t in taken if t.ref.mime_type == "application/pdf" and t.content is not None]
    await asyncio.gather(*[reader.call(_INSPECT, t.content or b"", {"mime_type": t.ref.mime_type}) for t in pdfs])


async def _accept_or_withdraw(engine: Engine, request: RunRequest, documents: Sequence[NewDocument]) -> Accepted:
    """Accept a run; when the caller gives up meanwhile, the run that is being committed is cancelled, not forgotten."""
    accepting = asyncio.create_task(engine.accept_now(request, documents))
    try:
        return await asyncio.shield(accepting)
    except asyncio.CancelledError:
        (accepted,) = await asyncio.gather(accepting, return_exceptions=True)
        if isinstance(accepted, Accepted) and accepted.fresh:
            await engine.cancel([accepted.run_id])
        raise


async def _wait_or_cancel(engine: Engine, run_id: str, is_ours: bool) -> RunOutput:
    try:
        return await engine.wait(run_id, just_started=is_ours)
    except asyncio.CancelledError:
        if is_ours:
            await asyncio.shield(engine.cancel([run_id]))
        raise
