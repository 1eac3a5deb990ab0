"""What an agent is, without its database: the part that executes and that a revision identifies."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from nightdrop.agents.output_schema import OutputSchema
from nightdrop.records.request import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """Model, instructions and schema of an agent. retries: how often an invalid answer or failed call is retried."""

    id: str
    name: str
    model: str
    instructions: str | None
    schema: OutputSchema
    retries: int = 2

    @property
    def revision(self) -> str:
        """A hash of what decides the answer: model, instructions, schema. Never of limits, retries or db."""
        parts = {"model": self.model, "instructions": self.instructions, "schema": self.schema.json_schema}
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def subject(self) -> Subject:
        """What rows say executes its runs."""
        return Subject(kind="agent", id=self.id, revision=self.revision)
