"""`/schedules` and `/schedule-runs`: what is fired when, and the audit of every fire."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from nightdrop.http.pages import page_of
from nightdrop.http.problems import answers
from nightdrop.http.service import Service, Serving
from nightdrop.http.shapes.schedule import (
    Fire,
    FirePage,
    NewSchedule,
    ScheduleChange,
    ScheduledInput,
    SchedulePage,
    ScheduleShape,
)
from nightdrop.http.shapes.text import Cursor, Limit, Text
from nightdrop.intake.allowed import check_allowed, check_below
from nightdrop.records.schedule import Schedule, ScheduleRunStatus
from nightdrop.schedules import service as schedules
from nightdrop.schedules.payload import read_payload

router = APIRouter(tags=["schedules"])

_CREATED = 201
Key = Annotated[Text, "A schedule's id, or its name."]
Statuses = Annotated[list[ScheduleRunStatus] | None, Query(description="Only these; may be given again.")]
Since = Annotated[AwareDatetime | None, Query(description="Occurrences from this time on.")]


@router.post(
    "/schedules",
    operation_id="create_schedule",
    status_code=_CREATED,
    response_model=ScheduleShape,
    responses=answers(409),
)
def create(body: NewSchedule, service: Serving) -> Response:
    """Make a schedule. if_exists says what becomes of one of this name."""
    fields = _fields(service, body)
    if_exists = fields.pop("if_exists", "raise")
    made = schedules.create_schedule(service.db, fields, if_exists=if_exists)
    return JSONResponse(made.to_json(), _CREATED, {"Location": f"/schedules/{made.id}"})


@router.get("/schedules", operation_id="list_schedules", response_model=SchedulePage, responses=answers())
def list_schedules(
    service: Serving, enabled: bool | None = None, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Schedules, newest first."""
    found = schedules.list_all(service.db, enabled=enabled, before=cursor, limit=limit + 1)
    return page_of(found, limit)


@router.get("/schedules/{key}", operation_id="get_schedule", response_model=ScheduleShape, responses=answers(404))
def get(key: Key, service: Serving) -> dict[str, Any]:
    """One schedule, by id or name."""
    return schedules.get_schedule(service.db, key).to_json()


@router.patch(
    "/schedules/{key}", operation_id="update_schedule", response_model=ScheduleShape, responses=answers(404, 409)
)
def update(key: Key, body: ScheduleChange, service: Serving) -> dict[str, Any]:
    """Change fields. A payload is replaced as a whole; a new cron expression or time zone counts from now."""
    return schedules.update_schedule(service.db, key, _fields(service, body)).to_json()


@router.delete("/schedules/{key}", operation_id="delete_schedule", status_code=204, responses=answers(404))
def delete(key: Key, service: Serving) -> None:
    """Delete a schedule; its runs stay."""
    schedules.delete_schedule(service.db, key)


@router.post(
    "/schedules/{key}/enable", operation_id="enable_schedule", response_model=ScheduleShape, responses=answers(404)
)
def enable(key: Key, service: Serving) -> dict[str, Any]:
    """Fire it from now on."""
    return _switched(service, key, True).to_json()


@router.post(
    "/schedules/{key}/disable", operation_id="disable_schedule", response_model=ScheduleShape, responses=answers(404)
)
def disable(key: Key, service: Serving) -> dict[str, Any]:
    """Fire it no more; what is running goes on."""
    return _switched(service, key, False).to_json()


@router.post(
    "/schedules/{key}/trigger",
    operation_id="trigger_schedule",
    status_code=202,
    response_model=Fire,
    responses=answers(404),
)
def trigger(key: Key, service: Serving) -> dict[str, Any]:
    """Fire it now, also a disabled one: a pending row that the next process with a scheduler begins."""
    return schedules.trigger_schedule(service.db, key).to_json()


@router.get("/schedules/{key}/runs", operation_id="list_fires", response_model=FirePage, responses=answers(404))
def fires_of(
    key: Key,
    service: Serving,
    status: Statuses = None,
    since: Since = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Fires of one schedule, newest first."""
    schedules.get_schedule(service.db, key)
    names = [one.value for one in status or ()]
    found = schedules.get_runs(service.db, key, status=names, since=since, before=cursor, limit=limit + 1)
    return page_of(found, limit)


@router.get("/schedule-runs", operation_id="list_all_fires", response_model=FirePage, responses=answers())
def all_fires(
    service: Serving,
    status: Statuses = None,
    since: Since = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Fires of all schedules, deleted ones too, newest first."""
    names = [one.value for one in status or ()]
    return page_of(
        schedules.get_runs(service.db, None, status=names, since=since, before=cursor, limit=limit + 1), limit
    )


def _switched(service: Service, key: str, enabled: bool) -> Schedule:
    return schedules.update_schedule(service.db, key, {"enabled": enabled})


def _fields(service: Service, body: ScheduleChange) -> dict[str, Any]:
    fields = body.model_dump(exclude_unset=True, exclude={"payload"})
    if body.payload is not None:
        fields["payload"] = _payload(service, body.payload)
    return fields


def _payload(service: Service, given: ScheduledInput) -> dict[str, Any]:
    """The payload, held against --allow-path now, and again whenever it fires. Raises PathRefused, ScheduleInvalid."""
    payload = given.model_dump(exclude_none=True)
    if given.files is None:
        return payload
    payload["within"] = list(service.allow_paths)
    check_allowed(given.files, service.allow_paths)
    read = read_payload(payload)
    if read.move_to is not None and not read.is_remote:
        check_below(read.move_to, service.allow_paths)
    return payload
