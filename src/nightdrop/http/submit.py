"""Handing in one run: accepted at once, then answered at once, as events, or at its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

from nightdrop.http.feeds import Feed
from nightdrop.http.follow import LOOK_SECONDS, event_stream, follow_run
from nightdrop.http.forms import RunForm, Submission
from nightdrop.http.problems import run_problem
from nightdrop.http.service import Service
from nightdrop.portal import portal
from nightdrop.public.execute import RunCall, execute
from nightdrop.public.runnable import Runnable
from nightdrop.records.request import Once
from nightdrop.records.run import RunOutput, RunStatus

_OK, _ACCEPTED = 200, 202

EVENTS: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}
"""What OpenAPI says of an event stream."""


async def submit_run(service: Service, runnable: Runnable, given: Submission[RunForm], once: Once | None) -> Response:
    """Accept a run and answer as the form wants: 202, an event stream, or the run at its end."""
    form = given.form
    call = RunCall(
        input=form.message,
        files=given.files,
        session_id=form.session_id or None,
        user_id=form.user_id or None,
        background=True,  # also of one that is waited for: it outlives this request, and this process
        rerun=form.rerun,
        metadata=dict(form.metadata),
        once=once,
    )
    feed = Feed() if form.stream else None
    run = await execute(runnable, call, None if feed is None else feed.on_event)
    place = place_of(run)
    if feed is not None:
        service.feeds.add(run.run_id, feed)  # unless an earlier one has it
        return event_stream(follow_run(service, run.run_id, None), **place)
    if form.background:
        return accepted(run, place)
    return await answered(service, run, place)


def place_of(run: RunOutput) -> dict[str, str]:
    """The header that says where the run is."""
    owner = f"agents/{run.agent_id}" if run.workflow_id is None else f"workflows/{run.workflow_id}"
    return {"Location": f"/{owner}/runs/{run.run_id}"}


def accepted(run: RunOutput, place: dict[str, str]) -> Response:
    """202: the run is committed."""
    body = {"run_id": run.run_id, "session_id": run.session_id, "status": run.status.value}
    return JSONResponse(body, _ACCEPTED, place)


async def answered(service: Service, run: RunOutput, place: dict[str, str]) -> Response:
    """The run at its end; 202 when the service is stopped before that: the run goes on elsewhere."""
    ended = await _end_of(service, run)
    if ended is None:
        return accepted(run, place)
    if ended.status in (RunStatus.ERROR, RunStatus.CANCELLED):
        answer: Response = run_problem(ended)
        answer.headers.update(place)
        return answer
    status = _OK if ended.status is RunStatus.COMPLETED else _ACCEPTED
    return JSONResponse(ended.to_json(), status, place)


async def _end_of(service: Service, run: RunOutput) -> RunOutput | None:
    engine = await service.engine()
    waiting = asyncio.create_task(portal().bridge(engine.wait(run.run_id)))
    try:
        while not waiting.done():
            if service.stopping:
                return None
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(waiting), LOOK_SECONDS)
        return waiting.result()
    finally:
        waiting.cancel()
