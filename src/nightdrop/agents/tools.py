"""Asking a model that may call the user's functions first. Recorded answers are given again; tools run again."""

from __future__ import annotations

from typing import Any

import pydantic_ai
from pydantic_ai.exceptions import ModelRetry, UnexpectedModelBehavior
from pydantic_ai.messages import UserContent
from pydantic_ai.output import StructuredDict

from nightdrop.agents.failures import failure_of
from nightdrop.agents.recorded_model import RecordedModel
from nightdrop.agents.request import Answer
from nightdrop.agents.spec import AgentSpec
from nightdrop.agents.tries import Tries
from nightdrop.errors import AnswerInvalid, ModelFailed, NightdropError


async def ask_with_tools(spec: AgentSpec, shown: list[UserContent], model: RecordedModel, tries: Tries) -> Answer:
    """The model's valid answer after the tool calls it wanted. Raises ModelFailed."""
    agent = _agent(spec, model)
    while True:
        model.rewind()
        try:
            result = await agent.run(shown)
            return Answer(content=result.output)
        except ModelFailed as failure:
            await tries.after(failure)
        except NightdropError:
            raise
        except Exception as error:  # noqa: BLE001 - the model layer's, SDKs' and the user's tools' errors
            await tries.after(_failure(error), send_back=False)


def _agent(spec: AgentSpec, model: RecordedModel) -> pydantic_ai.Agent[None, Any]:
    schema = spec.schema.json_schema
    output: Any = str if schema is None else StructuredDict(schema, name=spec.schema.name.replace(" ", "_"))
    agent: pydantic_ai.Agent[None, Any] = pydantic_ai.Agent(
        model, instructions=spec.instructions, tools=list(spec.tools), output_type=output, retries=spec.retries
    )

    @agent.output_validator
    def validate(data: Any) -> Any:
        """Invalid answers go back to the model with what is wrong."""
        try:
            return spec.schema.validate(data)
        except AnswerInvalid as invalid:
            raise ModelRetry(invalid.message) from invalid

    return agent


def _failure(error: Exception) -> ModelFailed:
    if type(error) is UnexpectedModelBehavior:  # invalid after every retry that the model layer was allowed
        return AnswerInvalid(str(error.__cause__ or error), raw_answer=error.body)
    return failure_of(error)
