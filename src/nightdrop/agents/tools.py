"""Asking a model that may call the user's functions first. Recorded answers are given again; tools run again."""

from __future__ import annotations

import json
from typing import Any

import pydantic_ai
from pydantic_ai.exceptions import ModelRetry
from pydantic_ai.messages import UserContent
from pydantic_ai.output import StructuredDict

from nightdrop.agents.checks import judged
from nightdrop.agents.failures import failure_of
from nightdrop.agents.recorded_model import RecordedModel
from nightdrop.agents.request import Answer
from nightdrop.agents.spec import AgentSpec
from nightdrop.agents.tries import Tries
from nightdrop.errors import AnswerInvalid, ModelFailed, NightdropError

_NO_LIMIT = 1000  # the model layer's own count of invalid answers: ours ends it before


async def ask_with_tools(spec: AgentSpec, shown: list[UserContent], model: RecordedModel, tries: Tries) -> Answer:
    """The model's valid answer after the tool calls it wanted. Raises ModelFailed."""
    while True:
        model.rewind()
        try:
            result = await _agent(spec, model, tries.left).run(shown)
            return Answer(content=result.output)
        except ModelFailed as failure:
            await tries.after(failure, send_back=False)
        except NightdropError:
            raise
        except Exception as error:  # noqa: BLE001 - the model layer's, SDKs' and the user's tools' errors
            await tries.after(failure_of(error))


def _agent(spec: AgentSpec, model: RecordedModel, answers: int) -> pydantic_ai.Agent[None, Any]:
    """An agent that sends invalid answers back, `answers` in all."""
    schema = spec.schema.json_schema
    output: Any = str if schema is None else StructuredDict(schema, name=spec.schema.name.replace(" ", "_"))
    agent: pydantic_ai.Agent[None, Any] = pydantic_ai.Agent(
        model,
        instructions=spec.instructions,
        tools=list(spec.tools),
        output_type=output,
        retries={"tools": spec.retries, "output": _NO_LIMIT},
    )
    invalid_answers, complained = 0, False

    @agent.output_validator
    async def validate(data: Any) -> Any:
        """Invalid answers go back to the model with what is wrong, as long as there are tries left; one that a rule
        wants asked again goes back once."""
        nonlocal invalid_answers, complained
        try:
            content = spec.schema.validate(data)
        except AnswerInvalid as invalid:
            invalid_answers += 1
            if invalid_answers >= answers:
                raise AnswerInvalid(invalid.message, raw_answer=json.dumps(data, default=str)) from invalid
            raise ModelRetry(invalid.message) from invalid
        complaint = (await judged(spec, content)).complaint if spec.validators and not complained else None
        if complaint is not None:
            complained = True
            raise ModelRetry(complaint)
        return content

    return agent
