"""Schedules and their fires as JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from nightdrop.http.shapes.text import Moment, Text
from nightdrop.records.schedule import CatchUp, Overlap, ScheduleRunStatus

_PAYLOAD: dict[str, Any] = {"message": "Extract this invoice.", "files": "/drop/incoming"}


class ScheduledInput(BaseModel):
    """What a schedule fires with."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_PAYLOAD]})

    message: Text | None = None
    files: Text | None = Field(default=None, description="A folder, glob or path below what --allow-path names.")
    settle_seconds: float | None = Field(default=None, ge=0, le=86_400)
    after: Text | None = Field(default=None, description="keep, delete or move:FOLDER.")
    user_id: Text | None = None


class ScheduleChange(BaseModel):
    """Fields of a schedule to change."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"cron": "30 2 * * *"}]})

    name: Text | None = None
    cron: Text | None = None
    endpoint: Text | None = None
    method: Literal["POST"] | None = None
    payload: ScheduledInput | None = None
    timezone: Text | None = None
    timeout_seconds: int | None = None
    max_retries: int | None = None
    retry_delay_seconds: int | None = None
    catch_up: CatchUp | None = None
    overlap: Overlap | None = None
    description: Text | None = None
    enabled: bool | None = None


class NewSchedule(ScheduleChange):
    """A schedule to make."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "nightly",
                    "cron": "0 2 * * *",
                    "endpoint": "/agents/invoice-extractor/runs",
                    "payload": _PAYLOAD,
                    "timezone": "Europe/Berlin",
                }
            ]
        },
    )

    name: Text
    cron: Text
    endpoint: Text
    if_exists: Literal["raise", "skip", "update"] = "raise"


class ScheduleShape(BaseModel):
    """A schedule. next_fire_at is null while it is disabled."""

    model_config = ConfigDict(title="Schedule")

    id: str
    name: str
    cron: str = Field(examples=["0 2 * * *"])
    endpoint: str = Field(examples=["/agents/invoice-extractor/runs"])
    method: str
    payload: dict[str, Any]
    timezone: str
    description: str | None
    enabled: bool
    timeout_seconds: int
    max_retries: int
    retry_delay_seconds: int
    catch_up: str
    overlap: str
    next_fire_at: Moment | None
    created_at: Moment | None
    updated_at: Moment | None


class SchedulePage(BaseModel):
    """Schedules, newest first."""

    items: list[ScheduleShape]
    next_cursor: str | None


class Fire(BaseModel):
    """One fire of a schedule, a retry of it, or an occurrence that was skipped or missed."""

    id: str
    schedule_id: str
    scheduled_for: Moment | None
    attempt: int
    triggered_at: Moment | None
    completed_at: Moment | None
    status: ScheduleRunStatus
    status_code: int | None
    run_id: str | None
    batch_id: str | None
    error: str | None


class FirePage(BaseModel):
    """Fires, newest first."""

    items: list[Fire]
    next_cursor: str | None
