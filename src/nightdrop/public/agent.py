"""The Agent: model, instructions and schema over a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel

from nightdrop.agents import AgentSpec, OutputSchema, model_id, named_models
from nightdrop.engine import reader_pool
from nightdrop.ids import slug
from nightdrop.intake.take import Taken
from nightdrop.public.given import check_given
from nightdrop.public.in_memory import run_in_memory
from nightdrop.public.runnable import Runnable
from nightdrop.records.budget import Budget
from nightdrop.records.event import RunEvent
from nightdrop.records.rate_limit import RateLimit
from nightdrop.records.request import RunRequest
from nightdrop.records.review_policy import ReviewPolicy
from nightdrop.records.run import RunOutput
from nightdrop.rules import Rule
from nightdrop.store import Database


class Agent(Runnable):
    """Turns documents into typed data.

    id: the route and the identity in rows; default: slug of name. model: "local" (no key, no network),
    "provider:name", a pydantic-ai Model, or a list of these: each is asked while the provider of those before it cannot
    answer. output_schema: a pydantic model or a JSON schema dict; None: text.
    db: None stores nothing. tools: functions the model may call before it answers. retries: how many failed or
    invalid calls of a document are tried again. limits: what the provider may be asked; None: found out. budget: what
    may be spent; it needs db. cache: a run over what an earlier one has answered is given its answer, without a call.
    long_documents: one too long for the model is cut by pages and the answers merged ("split"), or ends as
    `document_too_long` ("refuse"). validators: rules and functions that say whether an answer can be right.
    review: when a person is asked about a value; it needs db.
    """

    def __init__(  # noqa: PLR0913 - a constructor of the contract
        self,
        *,
        model: Any,
        id: str | None = None,
        name: str | None = None,
        instructions: str | None = None,
        output_schema: type[BaseModel] | dict[str, Any] | None = None,
        db: Database | None = None,
        tools: Sequence[Callable[..., Any]] = (),
        retries: int = 1,
        limits: RateLimit | None = None,
        budget: Budget | None = None,
        cache: bool = False,
        long_documents: Literal["split", "refuse"] = "split",
        validators: Sequence[Rule | Callable[[Any], Any]] = (),
        review: ReviewPolicy | None = None,
    ) -> None:
        schema = OutputSchema(output_schema)
        models = named_models(model)
        self.id = id or slug(name or "-".join([*map(_short, models), schema.name]))
        self.name = name or self.id
        self.db: Database | None = db
        self.spec = AgentSpec(
            id=self.id,
            name=self.name,
            model=models[0],
            fallbacks=models[1:],
            instructions=instructions,
            schema=schema,
            tools=tuple(tools),
            retries=retries,
            long_documents=long_documents,
            limits=limits,
            budget=budget,
            cache=cache,
            validators=tuple(validators) if isinstance(validators, Sequence) else validators,
            review=review,
        )
        check_given(self.spec, db)
        if db is not None:
            self.use(db)

    def __repr__(self) -> str:
        models = [model_id(model) for model in self.spec.models]
        named = repr(models if len(models) > 1 else self.spec.model)
        return f"Agent(id={self.id!r}, model={named}, output_schema={self.spec.schema.name}, db={self.db})"

    @property
    def _agents(self) -> Sequence[AgentSpec]:
        return [self.spec]

    async def _in_memory(
        self, request: RunRequest, taken: Sequence[Taken], on_event: Callable[[RunEvent], None] | None
    ) -> RunOutput:
        return await run_in_memory(self.spec, request, taken, reader_pool(), on_event)

    def _typed(self, run: RunOutput) -> RunOutput:
        return replace(run, content=self.spec.schema.load(run.content))


def _short(model: Any) -> str:
    return model if isinstance(model, str) else str(model.model_name)
