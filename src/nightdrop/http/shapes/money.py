"""Costs and providers as JSON."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from nightdrop.http.shapes.text import Moment, Text


class CostSum(BaseModel):
    """Ledger rows summed. calls includes open and failed ones."""

    calls: int
    open_calls: int = Field(description="Possibly billed.")
    failed_calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost: str | None = Field(description="US dollars of the closed calls; null when a price is unknown.")
    saved: str | None = Field(description="US dollars that the prompt cache saved.")


class CostLine(CostSum):
    """The sum under one key."""

    key: str = Field(examples=["openai:gpt-5.5"])


class CostTable(BaseModel):
    """One line for each key, and the sum of all."""

    items: list[CostLine]
    total: CostSum


class PausedProvider(BaseModel):
    """Why nothing is asked of a provider, and until when."""

    name: str
    provider: str
    state: str
    code: str
    message: str
    since: Moment | None
    probe_at: Moment | None = Field(description="When one call tries it; null: only a person resumes it.")
    probes: int
    waiting: int = Field(description="Runs that wait for it.")


class Limit(BaseModel):
    """A limit in use."""

    key: str
    concurrency: float
    processes: int
    demand: int


class ProviderPage(BaseModel):
    """Paused providers, and limits in use."""

    items: list[PausedProvider]
    next_cursor: str | None
    limits: list[Limit]


class PauseReason(BaseModel):
    """Why a provider is paused, for whoever sees it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "invoice is disputed"}]})

    reason: Text = Field(default="paused by hand", min_length=1, max_length=1000)


class Freed(BaseModel):
    """freed: how many runs go on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"freed": 12}]})

    freed: int


class PausedName(BaseModel):
    """The provider that is paused."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "openai"}]})

    name: str
