"""Runs as JSON: what `RunOutput.to_json` gives."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from nightdrop.http.shapes.text import Moment, Text
from nightdrop.records.field import FieldMatch
from nightdrop.records.open_step import OpenStatus
from nightdrop.records.run import RunStatus
from nightdrop.records.step import StepStatus

_EXAMPLE: dict[str, Any] = {
    "run_id": "01997a3c-5d1e-7c3a-9f00-2b1d6c8e4a11",
    "session_id": "01997a3c-5d1e-7c3a-9f00-2b1d6c8e4a11",
    "agent_id": "invoice-extractor",
    "workflow_id": None,
    "batch_id": None,
    "schedule_run_id": None,
    "user_id": None,
    "status": "COMPLETED",
    "content": {"invoice_number": "INV-00017", "total": "117.00", "currency": "EUR"},
    "fields": {
        "total": {
            "value": "117.00",
            "confidence": 0.85,
            "match": "exact",
            "document": 0,
            "page": 1,
            "bbox": [72.0, 144.0, 130.5, 156.0],
            "page_size": [595.28, 841.89],
            "span": None,
            "evidence": "117.00",
            "said": None,
            "reviewed": None,
        }
    },
    "metrics": {
        "input_tokens": 0,
        "output_tokens": 0,
        "total_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "cost": "0",
        "cost_source": "prices",
        "model_calls": 0,
        "duration": 0.021,
        "time_to_first_token": None,
    },
    "error": None,
    "pause": None,
    "attempts": 1,
    "metadata": {},
    "input": {
        "message": "Extract this invoice.",
        "files": [
            {
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "filename": "invoice.pdf",
                "mime_type": "application/pdf",
                "file": "invoice.pdf",
            }
        ],
    },
    "created_at": "2026-03-17T02:00:00.120Z",
    "started_at": "2026-03-17T02:00:00.131Z",
    "completed_at": "2026-03-17T02:00:00.152Z",
    "cached_from": None,
    "checks": [{"rule": "iban('iban')", "passed": True, "message": None, "fields": []}],
    "steps": [],
    "open_steps": [],
}


class FieldValue(BaseModel):
    """One value of the content, and where in the document it stands."""

    value: Any
    confidence: float | None = Field(description="0 to 1; null when nobody can say.")
    match: FieldMatch | None = Field(description="How it was found; null for what was not searched.")
    document: int | None = Field(description="Position in `input.files`, from 0.")
    page: int | None = Field(description="From 1.")
    bbox: list[float] | None = Field(description="left, top, right, bottom in PDF points from the page's top left.")
    page_size: list[float] | None = Field(description="Width and height of the page, in the unit of bbox.")
    span: list[int] | None = Field(description="start and end in the page's text, where there are no boxes.")
    evidence: str | None
    said: float | None = Field(description="The model's own confidence, where the schema asks for it.")
    reviewed: str | None = Field(description="What a person decided of it: accepted or corrected.")


class RuleCheck(BaseModel):
    """What one rule said of the content. fields: the dotted paths it is about; none: the answer as a whole."""

    rule: str
    passed: bool
    message: str | None
    fields: list[str]


class Metrics(BaseModel):
    """Tokens, money and time of a run, failed calls included."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost: str | None = Field(description="US dollars as text; null when a price is unknown.")
    cost_source: str
    model_calls: int
    duration: float | None = Field(description="Seconds of execution.")
    time_to_first_token: float | None = Field(description="Seconds; null unless the run was streamed.")


class RunProblem(BaseModel):
    """Why a run ended in ERROR."""

    code: str
    message: str
    retryable: bool


class RunFile(BaseModel):
    """A document of a run. sha256 is null when no bytes could be read."""

    sha256: str | None
    filename: str | None
    mime_type: str | None
    file: str | None = Field(description="Path, URL or name as given.")


class RunInputs(BaseModel):
    """What identifies the work."""

    message: str
    files: list[RunFile]


class Question(BaseModel):
    """What a PAUSED run asks."""

    question: str
    data: dict[str, Any]
    step: str | None = Field(description="The path of the workflow's step that asks; null in an agent's run.")


class RunStep(BaseModel):
    """One try of a workflow's step, or what it decided on the way."""

    path: str
    kind: str = Field(description="agent, function, workflow, condition, router, round or loop.")
    status: StepStatus
    number: int = Field(description="Which try, from 1.")
    attempt: int
    position: int = Field(description="In the order of recording.")
    content: Any
    detail: dict[str, Any] | None = Field(description="What was decided.")
    stop: bool
    error: RunProblem | None
    duration: float | None = Field(description="Seconds.")
    metrics: Metrics
    started_at: Moment | None
    completed_at: Moment | None


class OpenStep(BaseModel):
    """A step of an open run that has not ended."""

    path: str
    kind: str
    status: OpenStatus = Field(description="RUNNING, PAUSED: it asks a person, or PENDING: it comes later.")
    number: int = Field(description="Which try, from 1.")
    metrics: Metrics = Field(description="Of its model calls so far.")
    since: Moment | None = Field(description="When what was before it had ended.")


class Run(BaseModel):
    """A run as committed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    run_id: str
    session_id: str
    agent_id: str | None
    workflow_id: str | None
    batch_id: str | None
    schedule_run_id: str | None
    user_id: str | None
    status: RunStatus
    content: Any = Field(description="What the output schema says; null before the end, and in review what is asked.")
    fields: dict[str, FieldValue] = Field(description="By dotted path, such as lines.0.amount.")
    metrics: Metrics
    error: RunProblem | None
    pause: Question | None
    attempts: int
    metadata: dict[str, Any]
    input: RunInputs
    created_at: Moment | None
    started_at: Moment | None
    completed_at: Moment | None
    cached_from: str | None
    checks: list[RuleCheck] = Field(description="What each validator said of the content.")
    steps: list[RunStep] = Field(description="What a workflow's run has recorded; empty for an agent, and in lists.")
    open_steps: list[OpenStep] = Field(description="Its steps that have not ended, while it is open; empty in lists.")


class RunPage(BaseModel):
    """Runs, newest first."""

    items: list[Run]
    next_cursor: str | None


class AcceptedRun(BaseModel):
    """A background run: its row and documents are committed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"run_id": _EXAMPLE["run_id"], "session_id": _EXAMPLE["session_id"], "status": "PENDING"}]
        }
    )

    run_id: str
    session_id: str
    status: RunStatus


class Answer(BaseModel):
    """The answer to what a PAUSED run asks: any JSON data."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"answer": {"approved": True}}]})

    answer: Any
    background: bool = Field(default=True, description="False: answer when the run has ended.")


class Stopped(BaseModel):
    """open: how many of them were open and are asked to stop."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"open": 1}]})

    open: int


class AgentInfo(BaseModel):
    """An agent that this service runs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "invoice-extractor", "name": "Invoices", "revision": "4be1f2", "model": "local"}]
        }
    )

    id: Text
    name: str
    revision: str = Field(description="A hash of model, instructions, schema and tools.")
    model: str
    output_schema: dict[str, Any] | None = Field(default=None, description="The JSON schema of the content.")


class WorkflowInfo(BaseModel):
    """A workflow that this service runs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "claims",
                    "name": "Claims",
                    "revision": "91c0aa",
                    "shape": {"name": "workflow", "kind": "steps", "steps": [{"name": "read", "kind": "function"}]},
                }
            ]
        }
    )

    id: Text
    name: str
    revision: str = Field(description="A hash of names, shape, agents' revisions and version.")
    shape: dict[str, Any] = Field(description="Its nodes: name, kind, and those below in `steps` and `else_steps`.")


class WorkflowPage(BaseModel):
    """The workflows of this service."""

    items: list[WorkflowInfo]
    next_cursor: str | None


class AgentPage(BaseModel):
    """The agents of this service."""

    items: list[AgentInfo]
    next_cursor: str | None
