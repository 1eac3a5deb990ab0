"""Asking a model: one owner of retries. At most 1 + retries calls fail; a 429 is not a failure and spends none."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from pydantic_ai.direct import model_request
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.tools import ToolDefinition

from nightdrop.agents.failures import failure_of
from nightdrop.agents.models import model_for, provider_of
from nightdrop.agents.prompt import contents
from nightdrop.agents.recorded_model import ANSWERED, RecordedModel
from nightdrop.agents.request import Answer, AnswerRequest
from nightdrop.agents.spec import AgentSpec
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import AnswerInvalid, AnswerRefused, AnswerTruncated, ModelFailed, NightdropError, RateLimited
from nightdrop.ledger.log import CallLog

PATIENCE_SECONDS = 5.0
"""Rate-limit waits up to this long are spent here; longer ones give the place to another document."""

_OUTPUT_TOOL = "final_result"
_MOST_429_IN_A_ROW = 30
_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF = 30.0


class Tries:
    """How many failed calls an attempt has left. Calls an earlier process made of the same attempt count."""

    def __init__(self, retries: int, log: CallLog) -> None:
        failed = [c for c in log.past if c.outcome not in (ANSWERED, RateLimited.code, "cancelled")]
        self.left = 1 + retries - len(failed)
        self._failed = len(failed)
        self._limited = 0

    async def after(self, failure: ModelFailed) -> None:
        """Count a failure and wait before the next call, or raise it when there is none left."""
        if isinstance(failure, RateLimited):
            await self._wait_for_rate(failure)
            return
        self.left -= 1
        self._failed += 1
        if isinstance(failure, AnswerInvalid) and self.left > 0:
            return  # sent back at once, with what is wrong with it
        if self.left <= 0 or not failure.retryable:
            raise failure
        await asyncio.sleep(failure.retry_after or _backoff(self._failed))

    async def _wait_for_rate(self, failure: RateLimited) -> None:
        self._limited += 1
        wait = failure.retry_after if failure.retry_after is not None else _backoff(self._limited)
        if wait > PATIENCE_SECONDS or self._limited >= _MOST_429_IN_A_ROW:
            raise RateLimited(failure.message, retry_after=max(wait, 1.0))
        await asyncio.sleep(wait)


async def ask(spec: AgentSpec, request: AnswerRequest, reader: ReaderPool, log: CallLog) -> Answer:
    """The model's valid answer. Raises ModelFailed (RateLimited with `retry_after` when the wait is long)."""
    shown = await contents(request.message, request.documents, spec.model, reader)
    called = model_for(spec.model)
    model = RecordedModel(called, provider_of(spec.model), log, request.on_text)
    parameters = _parameters(spec, called)
    messages: list[ModelMessage] = [ModelRequest(parts=[UserPromptPart(content=shown)], instructions=spec.instructions)]
    tries = Tries(spec.retries, log)
    while True:
        try:
            response = await model_request(model, messages, model_request_parameters=parameters)
            return Answer(content=_checked(spec, response))
        except AnswerInvalid as invalid:
            await tries.after(invalid)
            messages += [response, _complaint(response, invalid)]
        except ModelFailed as failure:
            await tries.after(failure)
        except NightdropError:
            raise
        except Exception as error:  # noqa: BLE001 - the model layer's and SDKs' own errors, sorted by `failures`
            await tries.after(failure_of(error))


def _parameters(spec: AgentSpec, model: Model) -> ModelRequestParameters:
    """The schema in the one form this model answers best in: building both costs as much as the rest of the call."""
    schema = spec.schema.json_schema
    if schema is None:
        return ModelRequestParameters()
    description = str(schema.get("description") or "The extracted data.")
    mode = model.profile.get("default_structured_output_mode", "tool")
    if mode == "tool":
        tool = ToolDefinition(name=_OUTPUT_TOOL, parameters_json_schema=schema, description=description, kind="output")
        return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
    return ModelRequestParameters(
        output_mode=mode,
        output_object=OutputObjectDefinition(json_schema=schema, name=_OUTPUT_TOOL, description=description),
        allow_text_output=True,
    )


def _checked(spec: AgentSpec, response: ModelResponse) -> Any:
    """Valid content of a response. Raises AnswerInvalid, AnswerTruncated or AnswerRefused with the raw answer."""
    raw = raw_answer(response)
    if response.finish_reason == "length":
        raise AnswerTruncated("the answer was cut off at the model's output limit", raw_answer=raw)
    if response.finish_reason == "content_filter":
        raise AnswerRefused("the provider's content filter stopped the answer", raw_answer=raw)
    if spec.schema.json_schema is None:
        return raw
    try:
        data = json.loads(raw)
    except json.JSONDecodeError as error:
        raise AnswerInvalid(f"the answer is not JSON: {error.msg}", raw_answer=raw) from error
    try:
        return spec.schema.validate(data)
    except AnswerInvalid as invalid:
        raise AnswerInvalid(invalid.message, raw_answer=raw) from invalid


def raw_answer(response: ModelResponse) -> str:
    """What the model said: the output tool's arguments, else its text."""
    for part in response.parts:
        if isinstance(part, ToolCallPart):
            return part.args_as_json_str()
    return "".join(part.content for part in response.parts if isinstance(part, TextPart))


def _complaint(response: ModelResponse, invalid: AnswerInvalid) -> ModelRequest:
    """The invalid answer sent back with what is wrong with it."""
    text = f"{invalid.message}\nAnswer again, with every problem fixed."
    for part in response.parts:
        if isinstance(part, ToolCallPart):
            return ModelRequest(
                parts=[ToolReturnPart(tool_name=part.tool_name, content=text, tool_call_id=part.tool_call_id)]
            )
    return ModelRequest(parts=[UserPromptPart(content=text)])


def _backoff(step: int) -> float:
    """Seconds: doubling, with jitter, bounded."""
    return float(min(_BACKOFF_SECONDS * 2**step, _LONGEST_BACKOFF) * (0.5 + random.random() / 2))
