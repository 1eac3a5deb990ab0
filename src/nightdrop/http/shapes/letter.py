"""Dead letters as JSON, and what is done with them."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from nightdrop.http.shapes.text import Moment, Text
from nightdrop.records.dead_letter import DeadLetterState


class Letter(BaseModel):
    """Why one attempt of a run ended in ERROR, with its document."""

    id: str
    run_id: str
    agent_id: str | None
    batch_id: str | None
    code: str = Field(examples=["no_text"])
    message: str
    retryable: bool
    attempts: int
    sha256: str | None
    file: str | None
    state: DeadLetterState
    created_at: Moment | None
    raw_answer: str | None = Field(description="What the model said last.")
    assignee: str | None
    note: str | None
    updated_at: Moment | None


class LetterPage(BaseModel):
    """Dead letters, newest first."""

    items: list[Letter]
    next_cursor: str | None


class LetterChoice(BaseModel):
    """Which open dead letters are meant: at least one of these, or all."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"code": "rate_limited"}]})

    code: Text | None = None
    since: AwareDatetime | None = Field(default=None, description="Those that failed at this time or later.")
    batch_id: Text | None = None
    agent_id: Text | None = None
    all: bool = Field(default=False, description="Every open one.")


class LetterCare(BaseModel):
    """Who looks after a letter, and what is known about it. "" takes it away."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"assignee": "mira"}]})

    assignee: Text | None = Field(default=None, max_length=500)
    note: Text | None = Field(default=None, max_length=10_000)


class ReplayProblem(BaseModel):
    """Why a letter was not replayed."""

    code: str
    message: str


class ReplayOutcome(BaseModel):
    """What became of one letter: its run waits at `attempt`, or `error` says why not."""

    letter_id: str
    run_id: str
    attempt: int
    error: ReplayProblem | None


class Replayed(BaseModel):
    """replayed: how many runs are queued again."""

    replayed: int
    items: list[ReplayOutcome]


class Discarded(BaseModel):
    """discarded: how many letters were let go."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"discarded": 3}]})

    discarded: int
