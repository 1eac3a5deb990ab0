"""Asking a model that may call the user's functions first. Recorded answers are given again; tools run again."""

from __future__ import annotations

import json
from typing import Any

import pydantic_ai
from pydantic_ai.exceptions import ModelRetry
from pydantic_ai.messages import UserContent
from pydantic_ai.output import StructuredDict

from nightdrop.agents.caching import caching
from nightdrop.agents.checks import judged
from nightdrop.agents.failures import failure_of
from nightdrop.agents.lineup import Candidate, Lineup
from nightdrop.agents.marks import Marks
from nightdrop.agents.models import provider_of
from nightdrop.agents.prompt import contents
from nightdrop.agents.request import Answer, AnswerRequest
from nightdrop.agents.spec import AgentSpec
from nightdrop.agents.tape import AskedElsewhere
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import AnswerInvalid, ModelFailed, NightdropError

_NO_LIMIT = 1000  # the model layer's own count of invalid answers: ours ends it before


class _Conversation:
    """One model asked the question with tools, from the beginning. Its answers stand on the tape from `start` on."""

    def __init__(self, candidate: Candidate, shown: list[UserContent], start: int) -> None:
        self.candidate = candidate
        self.shown = shown
        self.start = start
        self.invalid: AnswerInvalid | None = None
        self.invalid_answers = 0  # of the last time that it was gone through


async def ask_with_tools(
    spec: AgentSpec, request: AnswerRequest, reader: ReaderPool, lineup: Lineup, marks: Marks
) -> Answer:
    """The model's valid answer after the tool calls it wanted. Raises ModelFailed."""
    documents = request.documents
    talk: _Conversation | None = None
    while True:
        candidate = await lineup.choose(documents)
        if talk is None or talk.candidate is not candidate:
            if talk is not None and talk.invalid is not None:
                lineup.tries.spend(talk.invalid_answers, talk.invalid)
            shown = await contents(request.message, documents, candidate.model, reader, marks)
            talk = _Conversation(candidate, shown, lineup.tape.at)
        lineup.tape.rewind(talk.start)
        try:
            result = await _agent(spec, talk, lineup.tries.left).run(
                talk.shown, model_settings=caching(spec, provider_of(candidate.model))
            )
            return Answer(content=result.output)
        except AskedElsewhere:
            continue
        except ModelFailed as failure:
            await lineup.after(failure, documents, send_back=False)
        except NightdropError:
            raise
        except Exception as error:  # noqa: BLE001 - the model layer's, SDKs' and the user's tools' errors
            await lineup.after(failure_of(error), documents)


def _agent(spec: AgentSpec, talk: _Conversation, answers: int) -> pydantic_ai.Agent[None, Any]:
    """An agent that sends invalid answers back, `answers` in all."""
    schema = spec.schema.json_schema
    output: Any = str if schema is None else StructuredDict(schema, name=spec.schema.name.replace(" ", "_"))
    agent: pydantic_ai.Agent[None, Any] = pydantic_ai.Agent(
        talk.candidate.recorded,
        instructions=spec.instructions,
        tools=list(spec.tools),
        output_type=output,
        retries={"tools": spec.retries, "output": _NO_LIMIT},
    )
    talk.invalid_answers, complained = 0, False

    @agent.output_validator
    async def validate(data: Any) -> Any:
        """Invalid answers go back to the model with what is wrong, as long as there are tries left; one that a rule
        wants asked again goes back once."""
        nonlocal complained
        try:
            content = spec.schema.validate(data)
        except AnswerInvalid as invalid:
            talk.invalid_answers += 1
            talk.invalid = invalid
            if talk.invalid_answers >= answers:
                raise AnswerInvalid(invalid.message, raw_answer=json.dumps(data, default=str)) from invalid
            raise ModelRetry(invalid.message) from invalid
        complaint = (await judged(spec, content)).complaint if spec.validators and not complained else None
        if complaint is not None:
            complained = True
            raise ModelRetry(complaint)
        return content

    return agent
