"""`/agents`: what runs here, and its runs."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from nightdrop.errors import AgentNotFound
from nightdrop.http.caller import IdempotencyKey, once_of
from nightdrop.http.forms import RunForm, openapi_body, read_form
from nightdrop.http.pages import page_of
from nightdrop.http.problems import answers
from nightdrop.http.service import Service, Serving
from nightdrop.http.shapes.run import AcceptedRun, AgentInfo, AgentPage, Answer, Run, RunPage, Stopped
from nightdrop.http.shapes.text import Cursor, Limit, Text, Wanted
from nightdrop.http.submit import EVENTS, accepted, answered, place_of, submit_run
from nightdrop.public.agent import Agent
from nightdrop.records.run import RunOutput, RunStatus
from nightdrop.store.load import list_runs
from nightdrop.store.retry import retry_run
from nightdrop.store.stop import stop_runs

router = APIRouter(prefix="/agents", tags=["agents"])


@router.get("", operation_id="list_agents", responses=answers())
def list_agents(service: Serving) -> AgentPage:
    """The agents of this service."""
    return AgentPage(items=[_info(agent) for agent in service.agent_os.agents], next_cursor=None)


@router.get("/{agent_id}", operation_id="get_agent", responses=answers(404))
def get_agent(agent_id: Text, service: Serving) -> AgentInfo:
    """One agent, with the JSON schema of what it answers."""
    return _info(service.agent(agent_id))


@router.post(
    "/{agent_id}/runs",
    operation_id="create_run",
    response_model=Run,
    responses={
        200: {"description": "The run at its end, or with stream=true its events.", "content": EVENTS},
        202: {"model": AcceptedRun, "description": "The run is committed and goes on."},
        **answers(402, 404, 409, 413, 415, 429, 500, 502),
    },
    openapi_extra=openapi_body(),
)
async def create_run(agent_id: Text, request: Request, service: Serving, key: IdempotencyKey = None) -> Response:
    """Run an agent over the files of a form. Waits for the end unless background or stream says otherwise.

    A run that ends in ERROR is answered as a problem with the run in `run`.
    """
    agent = service.agent(agent_id)
    async with read_form(request, RunForm) as given:
        return await submit_run(service, agent, given, once_of(request, key))


@router.get("/{agent_id}/runs", operation_id="list_runs", responses=answers(404), response_model=RunPage)
def list_agent_runs(
    agent_id: Text,
    service: Serving,
    status: Annotated[RunStatus | None, Query()] = None,
    session_id: Wanted = None,
    batch_id: Wanted = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Runs of an agent, newest first; also of one that is not loaded here, if it has any."""
    found = service.read(
        lambda c: list_runs(
            c,
            kind="agent",
            subject_id=agent_id,
            status=status,
            session_id=session_id,
            batch_id=batch_id,
            before=cursor,
            limit=limit + 1,
        )
    )
    if not found:
        _check_known(service, agent_id)
    return page_of(found, limit, key="run_id")


@router.get("/{agent_id}/runs/{run_id}", operation_id="get_run", responses=answers(404), response_model=Run)
def get_run(agent_id: Text, run_id: Text, service: Serving) -> dict[str, Any]:
    """One run as committed now; its session is not needed."""
    return service.run(run_id, agent_id).to_json()


@router.post("/{agent_id}/runs/{run_id}/cancel", operation_id="cancel_run", responses=answers(404))
def cancel_run(agent_id: Text, run_id: Text, service: Serving) -> Stopped:
    """Ask a run to stop: a waiting or paused one never goes on. `open` is 0 when it had ended."""
    service.run(run_id, agent_id)
    return Stopped(open=stop_runs(service.db, [run_id]))


@router.post(
    "/{agent_id}/runs/{run_id}/continue",
    operation_id="continue_run",
    response_model=Run,
    responses={202: {"model": AcceptedRun, "description": "The answer is committed."}, **answers(404, 409, 500, 502)},
)
async def continue_run(agent_id: Text, run_id: Text, body: Answer, service: Serving) -> Response:
    """Answer what a PAUSED run asks; it goes on in any process that has its agent."""
    await asyncio.to_thread(service.run, run_id, agent_id)
    run = await service.agent(agent_id).acontinue_run(run_id, body.answer, background=True)
    place = place_of(run)
    return accepted(run, place) if body.background else await answered(service, run, place)


@router.post(
    "/{agent_id}/runs/{run_id}/retry",
    operation_id="retry_run",
    status_code=202,
    response_model=AcceptedRun,
    responses=answers(404, 409),
)
async def retry_agent_run(agent_id: Text, run_id: Text, service: Serving) -> Response:
    """Try a run again that ended in ERROR or CANCELLED."""

    def retry() -> RunOutput:
        service.run(run_id, agent_id)
        retry_run(service.db, run_id)
        return service.run(run_id, agent_id)

    run = await asyncio.to_thread(retry)
    (await service.engine()).wake()
    return accepted(run, place_of(run))


def _check_known(service: Service, agent_id: str) -> None:
    if any(agent.id == agent_id for agent in service.agent_os.agents):
        return
    if not service.read(lambda c: list_runs(c, kind="agent", subject_id=agent_id, limit=1)):
        raise AgentNotFound(f"there is no agent {agent_id!r}, and no run of one")


def _info(agent: Agent) -> AgentInfo:
    return AgentInfo(
        id=agent.id,
        name=agent.name,
        revision=agent.revision,
        model=agent.spec.model_id,
        output_schema=agent.spec.schema.json_schema,
    )
