"""`/batches`: a run for each document of a source."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from nightdrop.batch import Asked, Posted, stream_results
from nightdrop.errors import BatchNotFound
from nightdrop.http.caller import IdempotencyKey, once_of
from nightdrop.http.follow import event_stream
from nightdrop.http.follow_batch import follow_batch, progress_key
from nightdrop.http.forms import DocumentsForm, openapi_body, read_form
from nightdrop.http.pages import page_of
from nightdrop.http.problems import answers
from nightdrop.http.routes.events import LastEventId
from nightdrop.http.service import Service, Serving
from nightdrop.http.shapes.batch import Added, AddedDocument, Batch, BatchPage, NewBatch, OneBatch
from nightdrop.http.shapes.run import Stopped
from nightdrop.http.shapes.text import Cursor, Limit, Text
from nightdrop.portal import portal
from nightdrop.public.stepped import END, close, step
from nightdrop.records.batch import BatchProgress, BatchStatus
from nightdrop.sinks.row import result_row
from nightdrop.store.batches import list_batches, load_batch
from nightdrop.store.listings import listing_error

router = APIRouter(prefix="/batches", tags=["batches"])

_ACCEPTED, _NO_CONTENT = 202, 204
_ENDS = (BatchStatus.COMPLETED, BatchStatus.CANCELLED)
_LINES: dict[str, Any] = {"application/x-ndjson": {"schema": {"type": "string"}}}
_EVENTS: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}


@router.post(
    "", operation_id="create_batch", status_code=_ACCEPTED, response_model=Batch, responses=answers(404, 409, 415)
)
async def create_batch(body: NewBatch, request: Request, service: Serving, key: IdempotencyKey = None) -> Response:
    """Start a batch, or continue the unfinished one of the same call. Answered when it is committed, while its source
    is being listed. Without a source it waits for documents."""
    spec = (service.agent(body.agent_id) if body.agent_id else service.workflow(body.workflow_id or "")).spec
    given = body.model_dump(exclude={"agent_id", "workflow_id"})
    if body.source is None:
        asked = Asked(**{**given, "source": ""})
        submitted = Posted(await service.engine()).open(asked, spec.subject, once_of(request, key))
    else:
        asked = Asked(**given, within=service.allow_paths, cache=spec.cache)
        submitted = service.listings.submit(asked, spec.subject, once_of(request, key))
    batch_id = await portal().bridge(submitted)
    batch = await service.aread(partial(_batch, batch_id=batch_id))
    return JSONResponse(batch.to_json(), _ACCEPTED, {"Location": f"/batches/{batch_id}"})


@router.post(
    "/{batch_id}/documents",
    operation_id="add_documents",
    status_code=_ACCEPTED,
    responses=answers(404, 409, 413, 415),
    openapi_extra=openapi_body(DocumentsForm),
)
async def add_documents(batch_id: Text, request: Request, service: Serving) -> Added:
    """Add the files of a form to a batch without a source. Answered when they are committed; the same again changes
    nothing."""
    await service.aread(partial(_batch, batch_id=batch_id))
    posted = Posted(await service.engine())
    async with read_form(request, DocumentsForm) as given:
        added = await portal().bridge(posted.add(batch_id, given.files))
    return Added(items=[AddedDocument(file=file, run_id=run_id) for file, run_id in added])


@router.post("/{batch_id}/close", operation_id="close_batch", response_model=Batch, responses=answers(404, 409))
async def close_batch(batch_id: Text, service: Serving) -> dict[str, Any]:
    """Say that a batch without a source has all its documents: it ends with the last of them."""
    await service.aread(partial(_batch, batch_id=batch_id))
    await portal().bridge(Posted(await service.engine()).close(batch_id))
    return (await service.aread(partial(_batch, batch_id=batch_id))).to_json()


@router.get("", operation_id="list_batches", response_model=BatchPage, responses=answers())
def list_all(service: Serving, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """Batches, newest first."""
    found = service.read(lambda c: list_batches(c, before=cursor, limit=limit + 1))
    return page_of(found, limit)


@router.get("/{batch_id}", operation_id="get_batch", response_model=OneBatch, responses=answers(404))
def get_batch(batch_id: Text, service: Serving) -> dict[str, Any]:
    """A batch and how far it is."""
    batch = service.read(partial(_batch, batch_id=batch_id))
    return batch.to_json() | {"listing_error": service.read(lambda c: listing_error(c, batch_id))}


@router.post("/{batch_id}/cancel", operation_id="cancel_batch", responses=answers(404))
async def cancel(batch_id: Text, service: Serving) -> Stopped:
    """Stop a batch: what waits never starts, what runs stops. Runs that another batch waits for go on."""
    await service.aread(partial(_batch, batch_id=batch_id))
    return Stopped(open=await portal().bridge(service.listings.cancel(batch_id)))


@router.post("/{batch_id}/resume", operation_id="resume_batch", response_model=Batch, responses=answers(404))
async def resume(batch_id: Text, service: Serving) -> dict[str, Any]:
    """Continue a batch that was cancelled, or whose source could not be listed to its end."""
    await service.aread(partial(_batch, batch_id=batch_id))
    await portal().bridge(service.listings.resume(batch_id))
    return (await service.aread(partial(_batch, batch_id=batch_id))).to_json()


@router.get(
    "/{batch_id}/results",
    operation_id="get_results",
    response_class=Response,
    responses={200: {"description": "A result row on each line.", "content": _LINES}, **answers(404)},
)
async def results(
    batch_id: Text,
    service: Serving,
    wait: Annotated[bool, Query(description="Until the batch has ended; false: only what has ended now.")] = True,
) -> Response:
    """Each distinct document's result row once it has ended, as JSON lines."""
    await service.aread(partial(_batch, batch_id=batch_id))
    return StreamingResponse(_rows(service, batch_id, wait), media_type="application/x-ndjson")


@router.get(
    "/{batch_id}/events",
    operation_id="follow_batch",
    response_class=Response,
    responses={
        200: {"description": "`progress` whenever it changes, and at last `end`.", "content": _EVENTS},
        204: {"description": "The client has seen the end."},
        **answers(404),
    },
)
async def events(batch_id: Text, service: Serving, last_event_id: LastEventId = None) -> Response:
    """Server-sent events of a batch, behind the one that `Last-Event-ID` names."""
    batch = await service.aread(partial(_batch, batch_id=batch_id))
    if batch.completed_at is not None and progress_key(batch) == last_event_id:
        return Response(status_code=_NO_CONTENT)
    return event_stream(follow_batch(service, batch_id, last_event_id))


async def _rows(service: Service, batch_id: str, wait: bool) -> AsyncIterator[bytes]:
    engine = await service.engine()

    async def is_listed() -> bool:
        batch = await engine.desk.read(partial(_batch, batch_id=batch_id))
        return batch.status is not BatchStatus.ACCEPTING or service.stopping

    stream = stream_results(engine, batch_id, is_listed, wait=wait)
    try:
        while not service.stopping and (found := await portal().bridge(step(stream))) is not END:
            file, run = found
            yield json.dumps(result_row(run, file, batch_id), ensure_ascii=False).encode() + b"\n"
    finally:
        await portal().bridge(close(stream))


def _batch(connection: Any, batch_id: str) -> BatchProgress:
    found = load_batch(connection, batch_id)
    if found is None:
        raise BatchNotFound(f"there is no batch {batch_id!r}")
    return found
