"""What an agent is, without its database: the part that executes and that a revision identifies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from nightdrop.agents.output_schema import OutputSchema
from nightdrop.records.budget import Budget
from nightdrop.records.rate_limit import RateLimit
from nightdrop.records.request import Subject
from nightdrop.records.review_policy import ReviewPolicy
from nightdrop.rules import Rule

LOCAL = "local"
"""The model that needs no key and no network: the local reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """Model, instructions and schema of an agent. retries: how many failed or invalid calls are tried again.

    model: "local", "provider:name", or a pydantic-ai Model. fallbacks: the models that are asked, in this order, while
    the provider of the ones before cannot answer. long_documents: what becomes of one that is too long
    for the model: cut by pages and merged, or refused. limits: None: the file's, else found out.
    budget: what may be spent. cache: an answer that is there already serves. validators: what an answer must keep.
    review: when a person is asked.
    """

    id: str
    name: str
    model: Any
    instructions: str | None
    schema: OutputSchema
    tools: tuple[Callable[..., Any], ...] = ()
    retries: int = 1
    long_documents: Literal["split", "refuse"] = "split"
    limits: RateLimit | None = None
    budget: Budget | None = None
    cache: bool = False
    validators: tuple[Rule | Callable[[Any], Any], ...] = ()
    fallbacks: tuple[Any, ...] = ()
    review: ReviewPolicy | None = None

    @property
    def models(self) -> tuple[Any, ...]:
        """Every model that may be asked, in order."""
        return (self.model, *self.fallbacks)

    @property
    def is_local(self) -> bool:
        """Whether the local reader answers."""
        return bool(self.model == LOCAL)

    @property
    def model_id(self) -> str:
        """Its models as text, in order."""
        return ", ".join(map(model_id, self.models))

    @property
    def revision(self) -> str:
        """A hash of what decides the answer: models, instructions, schema, tools, validators. Never of limits or db."""
        parts: dict[str, Any] = {
            "model": model_id(self.model),
            "instructions": self.instructions,
            "schema": self.schema.json_schema,
        }
        if self.fallbacks:
            parts["fallbacks"] = [model_id(model) for model in self.fallbacks]
        if self.tools:
            parts["tools"] = [qualified_name(tool) for tool in self.tools]
        if self.validators:
            parts["validators"] = [qualified_name(validator) for validator in self.validators]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def subject(self) -> Subject:
        """What rows say executes its runs."""
        return Subject(kind="agent", id=self.id, revision=self.revision)


def qualified_name(given: Rule | Callable[..., Any]) -> str:
    """Of a function its name, and `version` where it has one: what makes a changed one another revision. Of a rule what
    it says."""
    if isinstance(given, Rule):
        return given.name
    name = f"{getattr(given, '__module__', '')}.{getattr(given, '__qualname__', type(given).__qualname__)}"
    return f"{name}@{given.version}" if hasattr(given, "version") else name


def model_id(model: Any) -> str:
    """A model as text: its name, or class and name of a Model object."""
    if isinstance(model, str):
        return model
    return f"{type(model).__module__}.{type(model).__qualname__}:{model.model_name}"
