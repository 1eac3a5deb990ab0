"""Asking a model by one plain request; an invalid answer is sent back with what is wrong with it."""

from __future__ import annotations

import json
import logging
import random
import re
from dataclasses import replace
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
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from nightdrop.agents.caching import caching
from nightdrop.agents.checks import judged
from nightdrop.agents.failures import failure_of
from nightdrop.agents.fit import fit
from nightdrop.agents.lineup import Candidate, Lineup
from nightdrop.agents.marks import Marks
from nightdrop.agents.models import provider_of
from nightdrop.agents.parts import cut, merge, part_schema
from nightdrop.agents.prompt import contents
from nightdrop.agents.request import Answer, AnswerRequest
from nightdrop.agents.retry_policy import Postponed
from nightdrop.agents.spec import AgentSpec
from nightdrop.agents.tools import ask_with_tools
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import (
    AnswerInvalid,
    AnswerRefused,
    AnswerTruncated,
    BudgetExceeded,
    DocumentTooLong,
    ModelFailed,
    NightdropError,
    PriceUnknown,
)
from nightdrop.ledger.log import CallLog

log = logging.getLogger("nightdrop.agents")


async def ask(spec: AgentSpec, request: AnswerRequest, reader: ReaderPool, log: CallLog) -> Answer:
    """The model's valid answer. Raises ModelFailed (RateLimited with `retry_after` when the wait is long)."""
    try:
        with Marks() as marks:
            lineup = Lineup(spec, log, reader, request.on_text)
            return await _ask_about(spec, request, reader, lineup, marks)
    except BudgetExceeded as full:
        if full.wait_seconds is None:
            raise
        seconds = full.wait_seconds * (0.5 + random.random() / 2)  # those that wait do not all come back at once
        raise Postponed(seconds, full, waits_for=full.budget) from full


async def _ask_about(
    spec: AgentSpec, request: AnswerRequest, reader: ReaderPool, lineup: Lineup, marks: Marks
) -> Answer:
    for document in request.documents:
        found = await fit(spec.model, document, reader)
        if found.pages_per_part is not None:
            if spec.long_documents == "refuse":
                raise DocumentTooLong(f"{document.filename or 'the document'} is too long: {found.reason}")
            return await _ask_in_parts(spec, await cut(request, document, found, reader), reader, lineup, marks)
    if spec.tools:
        return await ask_with_tools(spec, request, reader, lineup, marks)
    return await _ask(spec, request, reader, lineup, marks)


async def _ask_in_parts(
    spec: AgentSpec, parts: list[AnswerRequest], reader: ReaderPool, lineup: Lineup, marks: Marks
) -> Answer:
    """One answer from the parts of a long document, asked in order so that recorded answers are found again."""
    of_part = replace(spec, schema=part_schema(spec.schema), tools=(), validators=())
    answers = [(await _ask(of_part, part, reader, lineup, marks)).content for part in parts]
    return Answer(content=spec.schema.validate(merge(answers)))


async def _ask(spec: AgentSpec, request: AnswerRequest, reader: ReaderPool, lineup: Lineup, marks: Marks) -> Answer:
    """The valid answer; once more asked where a rule that failed wants it. A second answer that fails loses nothing."""
    question = _Question(spec, request, reader, lineup, marks)
    found, response = await question.valid_answer()
    verdict = await judged(spec, found.content)
    found, complaint = replace(found, checks=verdict.checks, is_judged=True), verdict.complaint
    if complaint is None:
        return found
    question.complain(response, complaint)
    try:
        again, _ = await question.valid_answer()
    except (ModelFailed, BudgetExceeded, PriceUnknown) as failure:
        log.warning("the model was not asked again about a rule that failed: %s", failure)
        return found
    return again


class _Question:
    """A question, and what was said about it with the model that it has come to. Another model is asked from the
    beginning: it is shown the documents in its own way."""

    def __init__(
        self, spec: AgentSpec, request: AnswerRequest, reader: ReaderPool, lineup: Lineup, marks: Marks
    ) -> None:
        self._spec = spec
        self._request = request
        self._reader = reader
        self._lineup = lineup
        self._marks = marks
        self._candidate: Candidate | None = None
        self._messages: list[ModelMessage] = []
        self._parameters = ModelRequestParameters()
        self._settings: ModelSettings | None = None

    async def valid_answer(self) -> tuple[Answer, ModelResponse]:
        """An answer that fits the schema, after those that did not."""
        documents = self._request.documents
        while True:
            candidate = await self._lineup.choose(documents)
            if candidate is not self._candidate:
                await self._begin(candidate)
            try:
                response = await model_request(
                    candidate.recorded,
                    self._messages,
                    model_settings=self._settings,
                    model_request_parameters=self._parameters,
                )
                return Answer(content=_checked(self._spec, response)), response
            except AnswerInvalid as invalid:
                await self._lineup.after(invalid, documents)
                self.complain(response, invalid.message)
            except ModelFailed as failure:
                await self._lineup.after(failure, documents)
            except NightdropError:
                raise
            except Exception as error:  # noqa: BLE001 - the model layer's and SDKs' own errors, sorted by `failures`
                await self._lineup.after(failure_of(error), documents)

    def complain(self, response: ModelResponse, text: str) -> None:
        """Send an answer back with what is wrong with it, when the model is asked next."""
        self._messages += [response, _complaint(response, text)]

    async def _begin(self, candidate: Candidate) -> None:
        request, spec = self._request, self._spec
        shown = await contents(request.message, request.documents, candidate.model, self._reader, self._marks)
        self._candidate = candidate
        self._parameters = _parameters(spec, candidate.recorded.wrapped)
        self._settings = caching(spec, provider_of(candidate.model))
        self._messages = [ModelRequest(parts=[UserPromptPart(content=shown)], instructions=spec.instructions)]


def _parameters(spec: AgentSpec, model: Model) -> ModelRequestParameters:
    """The schema in the one form this model answers best in: building both costs as much as the rest of the call."""
    schema = spec.schema.json_schema
    if schema is None:
        return ModelRequestParameters()
    description = str(schema.get("description") or "The extracted data.")
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", spec.schema.name)[:60] or "answer"
    mode = model.profile.get("default_structured_output_mode", "tool")
    if mode == "tool":
        tool = ToolDefinition(name=name, parameters_json_schema=schema, description=description, kind="output")
        return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
    return ModelRequestParameters(
        output_mode=mode,
        output_object=OutputObjectDefinition(json_schema=schema, name=name, description=description),
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


def _complaint(response: ModelResponse, wrong: str) -> ModelRequest:
    """The answer sent back with what is wrong with it."""
    text = f"{wrong}\nAnswer again, with every problem fixed."
    for part in response.parts:
        if isinstance(part, ToolCallPart):
            return ModelRequest(
                parts=[ToolReturnPart(tool_name=part.tool_name, content=text, tool_call_id=part.tool_call_id)]
            )
    return ModelRequest(parts=[UserPromptPart(content=text)])
