"""Batches as JSON: what `BatchProgress.to_json` gives."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nightdrop.http.shapes.text import Moment, Text
from nightdrop.records.batch import BatchStatus

_EXAMPLE: dict[str, Any] = {
    "id": "01997a3c-5d1e-7c3a-9f00-2b1d6c8e4a11",
    "status": "RUNNING",
    "agent_id": "invoice-extractor",
    "workflow_id": None,
    "source": "/drop/incoming/*.pdf",
    "total": 1200,
    "done": 480,
    "failed": 2,
    "skipped": 31,
    "documents": 1169,
    "cost": "1.204400",
    "priority": 10,
    "weight": 1,
    "created_at": "2026-03-17T02:00:00.120Z",
    "completed_at": None,
}


class NewBatch(BaseModel):
    """A batch to start: a run for each distinct document of a source."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"agent_id": "invoice-extractor", "source": "/drop/incoming", "message": "Extract."}]
        },
    )

    agent_id: Text | None = Field(default=None, description="The agent, or")
    workflow_id: Text | None = Field(default=None, description="the workflow that runs over each document.")
    source: Text | None = Field(
        default=None,
        min_length=1,
        max_length=4000,
        description="A folder, glob, file or manifest below what --allow-path names, or an http(s) URL. Without one "
        "the batch takes documents that are posted, until it is closed.",
    )
    message: Text = ""
    user_id: Text | None = Field(default=None, max_length=500)
    limit: int | None = Field(default=None, ge=1, le=2**31, description="Take only so many documents.")
    rerun: bool = Field(default=False, description="Run also what has its answer.")
    retry_failed: bool = Field(default=False, description="Try failed ones again.")
    priority: int | None = Field(default=None, ge=0, le=1000, description="Lower goes first; single runs have 0.")
    weight: int | None = Field(default=None, ge=1, le=1000, description="Of its documents for each one of weight 1.")

    @model_validator(mode="after")
    def _names_one(self) -> NewBatch:
        if (self.agent_id is None) == (self.workflow_id is None):
            raise ValueError("give agent_id or workflow_id")
        if self.source is None and (self.limit is not None or self.rerun or self.retry_failed):
            raise ValueError("limit, rerun and retry_failed need a source")
        return self


class Batch(BaseModel):
    """A batch and how far it is, counted from its runs."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    status: BatchStatus
    agent_id: str | None
    workflow_id: str | None
    source: str | None
    total: int = Field(description="Documents listed so far.")
    done: int = Field(description="Ended ones, failed and skipped among them.")
    failed: int
    skipped: int = Field(description="Content known already.")
    documents: int = Field(description="Distinct documents, one result row each.")
    cost: str | None
    priority: int = Field(description="Lower goes first; single runs have 0.")
    weight: int = Field(description="Of its documents for each one of a batch of weight 1.")
    created_at: Moment | None
    completed_at: Moment | None


class BatchPage(BaseModel):
    """Batches, newest first."""

    items: list[Batch]
    next_cursor: str | None


class OneBatch(Batch):
    """A batch with why its source was not listed to its end, mostly null."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_EXAMPLE, "listing_error": None}]})

    listing_error: str | None


class AddedDocument(BaseModel):
    """A document of a batch, and the run that reads it."""

    file: str
    run_id: str


class Added(BaseModel):
    """The documents that were posted; of an archive or a mail those in it."""

    items: list[AddedDocument]
