"""`/runs/{run_id}/events`: a run as it goes on."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Response

from nightdrop.errors import RunNotFound
from nightdrop.http.follow import Seen, event_stream, follow_run
from nightdrop.http.problems import answers
from nightdrop.http.service import Serving
from nightdrop.http.shapes.text import Text
from nightdrop.store.run_state import run_state

router = APIRouter(tags=["events"])

LastEventId = Annotated[Text | None, Header(max_length=200, description="The id of the last event that was seen.")]
_NO_CONTENT = 204


@router.get(
    "/runs/{run_id}/events",
    operation_id="follow_run",
    response_class=Response,
    responses={
        200: {
            "description": "`status`, a workflow's `step`, `text`, and at last `end` with the run.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "The client has seen the end."},
        **answers(404),
    },
)
async def follow(run_id: Text, service: Serving, last_event_id: LastEventId = None) -> Response:
    """Server-sent events of a run, behind the one that `Last-Event-ID` names."""
    state = await service.aread(partial(run_state, run_id=run_id))
    if state is None:
        raise RunNotFound(f"there is no run {run_id!r}")
    if not state.status.is_open and Seen(last_event_id).is_at(state):
        return Response(status_code=_NO_CONTENT)  # what makes a browser ask no more
    return event_stream(follow_run(service, run_id, last_event_id))
