"""`/workflows`: what runs here in several steps, and its runs: the same as for agents."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response

from nightdrop.errors import WorkflowNotFound
from nightdrop.http.caller import IdempotencyKey, once_of
from nightdrop.http.forms import RunForm, openapi_body, read_form
from nightdrop.http.pages import page_of
from nightdrop.http.problems import answers
from nightdrop.http.service import Service, Serving
from nightdrop.http.shapes.retry import Retry
from nightdrop.http.shapes.run import AcceptedRun, Answer, Run, RunPage, Stopped, WorkflowInfo, WorkflowPage
from nightdrop.http.shapes.text import Cursor, Limit, Text, Wanted
from nightdrop.http.submit import EVENTS, accepted, answered, place_of, submit_run
from nightdrop.public.workflow import Workflow
from nightdrop.records.run import RunOutput, RunStatus
from nightdrop.store.load import list_runs
from nightdrop.store.retry import retry_run
from nightdrop.store.stop import stop_runs

router = APIRouter(prefix="/workflows", tags=["workflows"])
WithRetry = Annotated[Retry, Body(default_factory=Retry)]  # a retry without a body is the usual one


@router.get("", operation_id="list_workflows", responses=answers())
def list_workflows(service: Serving) -> WorkflowPage:
    """The workflows of this service."""
    return WorkflowPage(items=[_info(workflow) for workflow in service.agent_os.workflows], next_cursor=None)


@router.get("/{workflow_id}", operation_id="get_workflow", responses=answers(404))
def get_workflow(workflow_id: Text, service: Serving) -> WorkflowInfo:
    """One workflow, with its nodes."""
    return _info(service.workflow(workflow_id))


@router.post(
    "/{workflow_id}/runs",
    operation_id="create_workflow_run",
    response_model=Run,
    responses={
        200: {"description": "The run at its end, or with stream=true its events.", "content": EVENTS},
        202: {"model": AcceptedRun, "description": "The run is committed and goes on."},
        **answers(402, 404, 409, 413, 415, 429, 500, 502),
    },
    openapi_extra=openapi_body(),
)
async def create_run(workflow_id: Text, request: Request, service: Serving, key: IdempotencyKey = None) -> Response:
    """Run a workflow over the files of a form. Waits for the end unless background or stream says otherwise.

    A run that ends in ERROR is answered as a problem with the run in `run`.
    """
    workflow = service.workflow(workflow_id)
    async with read_form(request, RunForm) as given:
        return await submit_run(service, workflow, given, once_of(request, key))


@router.get("/{workflow_id}/runs", operation_id="list_workflow_runs", responses=answers(404), response_model=RunPage)
def list_workflow_runs(
    workflow_id: Text,
    service: Serving,
    status: Annotated[RunStatus | None, Query()] = None,
    session_id: Wanted = None,
    batch_id: Wanted = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Runs of a workflow, newest first; also of one that is not loaded here, if it has any."""
    found = service.read(
        lambda c: list_runs(
            c,
            kind="workflow",
            subject_id=workflow_id,
            status=status,
            session_id=session_id,
            batch_id=batch_id,
            before=cursor,
            limit=limit + 1,
        )
    )
    if not found:
        _check_known(service, workflow_id)
    return page_of(found, limit, key="run_id")


@router.get("/{workflow_id}/runs/{run_id}", operation_id="get_workflow_run", responses=answers(404), response_model=Run)
def get_run(workflow_id: Text, run_id: Text, service: Serving) -> dict[str, Any]:
    """One run as committed now, with its steps; its session is not needed."""
    return service.run(run_id, workflow_id=workflow_id).to_json()


@router.post("/{workflow_id}/runs/{run_id}/cancel", operation_id="cancel_workflow_run", responses=answers(404))
def cancel_run(workflow_id: Text, run_id: Text, service: Serving) -> Stopped:
    """Ask a run to stop; the steps that have ended are kept. `open` is 0 when it had ended."""
    service.run(run_id, workflow_id=workflow_id)
    return Stopped(open=stop_runs(service.db, [run_id]))


@router.post(
    "/{workflow_id}/runs/{run_id}/continue",
    operation_id="continue_workflow_run",
    response_model=Run,
    responses={202: {"model": AcceptedRun, "description": "The answer is committed."}, **answers(404, 409, 500, 502)},
)
async def continue_run(workflow_id: Text, run_id: Text, body: Answer, service: Serving) -> Response:
    """Answer what a PAUSED run asks; it goes on in any process that has its workflow."""
    await asyncio.to_thread(service.run, run_id, workflow_id=workflow_id)
    run = await service.workflow(workflow_id).acontinue_run(run_id, body.answer, background=True)
    return accepted(run, place_of(run)) if body.background else await answered(service, run, place_of(run))


@router.post(
    "/{workflow_id}/runs/{run_id}/retry",
    operation_id="retry_workflow_run",
    status_code=202,
    response_model=AcceptedRun,
    responses=answers(404, 409),
)
async def retry_workflow_run(
    workflow_id: Text, run_id: Text, service: Serving, body: WithRetry, from_step: Wanted = None
) -> Response:
    """Try a run again that ended in ERROR or CANCELLED; what is recorded of it is kept.

    With `from_step`, a path, in the query or the body, that step is done again and all that was recorded after it; a
    COMPLETED run is replaced by a new one then.
    """
    if body.from_step is not None:
        from_step = body.from_step

    def retry() -> RunOutput:
        service.run(run_id, workflow_id=workflow_id)
        queued = retry_run(service.db, run_id, from_step=from_step)
        return service.run(queued.run_id, workflow_id=workflow_id)

    run = await asyncio.to_thread(retry)
    (await service.engine()).wake()
    return accepted(run, place_of(run))


def _check_known(service: Service, workflow_id: str) -> None:
    if any(workflow.id == workflow_id for workflow in service.agent_os.workflows):
        return
    if not service.read(lambda c: list_runs(c, kind="workflow", subject_id=workflow_id, limit=1)):
        raise WorkflowNotFound(f"there is no workflow {workflow_id!r}, and no run of one")


def _info(workflow: Workflow) -> WorkflowInfo:
    return WorkflowInfo(id=workflow.id, name=workflow.name, revision=workflow.revision, shape=workflow.spec.shape)
