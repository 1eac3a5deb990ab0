"""The simulated provider with the clients that people use: the openai SDK and pydantic-ai."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from provider_client import PDF, Client, ManualTime, Start, data_url
from pydantic import BaseModel

from nightdrop.schemas import Invoice
from nightdrop.testing import Fault, Limits, ToolCall

openai = pytest.importorskip("openai")
pydantic_ai = pytest.importorskip("pydantic_ai")

from pydantic_ai import Agent, BinaryContent, NativeOutput, PromptedOutput, ToolOutput  # noqa: E402
from pydantic_ai.exceptions import ModelHTTPError, UnexpectedModelBehavior  # noqa: E402
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel  # noqa: E402
from pydantic_ai.providers.openai import OpenAIProvider  # noqa: E402

SHA = hashlib.sha256(PDF).hexdigest()
INVOICE = Invoice.model_validate({"invoice_number": "R-7", "total": "12.50"})
MODELS = [OpenAIChatModel, OpenAIResponsesModel]
OUTPUTS = [ToolOutput, NativeOutput, PromptedOutput]


class Receipt(BaseModel):
    shop: str
    total: float


PROMPT: Any = ["Extract the invoice.", BinaryContent(PDF, media_type="application/pdf")]


@pytest.fixture
async def clients() -> AsyncIterator[list[Any]]:
    opened: list[Any] = []
    yield opened
    for client in opened:
        await client.close()


def agent_for(client: Client, model: Any, output: Any, clients: list[Any], **more: Any) -> Agent[None, Any]:
    sdk = openai.AsyncOpenAI(base_url=client.provider.base_url, api_key="simulated", max_retries=0)
    clients.append(sdk)
    return Agent(model("gpt-5.5", provider=OpenAIProvider(openai_client=sdk)), output_type=output, **more)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("output", OUTPUTS)
async def test_pydantic_ai_gets_the_answer_of_the_table(
    start: Start, clients: list[Any], model: Any, output: Any
) -> None:
    client = start(answers={SHA: INVOICE})
    result = await agent_for(client, model, output(Invoice), clients).run(PROMPT)
    assert result.output == INVOICE
    totals = client.provider.meter.totals()
    assert totals.calls == 1
    assert (result.usage.input_tokens, result.usage.output_tokens) == (totals.input_tokens, totals.output_tokens)
    assert client.provider.meter.calls[0].files == (SHA,)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("output", [ToolOutput(Invoice), NativeOutput(Invoice), NativeOutput(Invoice, strict=True)])
async def test_pydantic_ai_gets_a_generated_answer(start: Start, clients: list[Any], model: Any, output: Any) -> None:
    result = await agent_for(start(), model, output, clients, retries=0).run(PROMPT)
    assert isinstance(result.output, Invoice)
    assert result.output.lines


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("output", [ToolOutput, NativeOutput])
async def test_pydantic_ai_streams(start: Start, clients: list[Any], model: Any, output: Any) -> None:
    client = start(answers={SHA: INVOICE})
    async with agent_for(client, model, output(Invoice), clients).run_stream(PROMPT) as run:
        assert await run.get_output() == INVOICE
        assert run.usage.output_tokens == client.provider.meter.totals().output_tokens


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("output", [ToolOutput, NativeOutput])
async def test_pydantic_ai_calls_tools_first(start: Start, clients: list[Any], model: Any, output: Any) -> None:
    seen: list[str] = []
    client = start(answers={SHA: INVOICE}, tools=[ToolCall(name="lookup", arguments={"city": "Oslo"})] * 2)
    agent = agent_for(client, model, output(Invoice), clients)

    @agent.tool_plain
    def lookup(city: str) -> str:
        seen.append(city)
        return "found"

    result = await agent.run(PROMPT)
    assert result.output == INVOICE
    assert seen == ["Oslo", "Oslo"]
    assert client.provider.meter.totals().calls == 3


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("output", [ToolOutput, NativeOutput])
async def test_an_invalid_answer_is_asked_for_again(start: Start, clients: list[Any], model: Any, output: Any) -> None:
    client = start(answers={SHA: INVOICE}, faults=[Fault(kind="invalid", first=1)])
    assert (await agent_for(client, model, output(Invoice), clients).run(PROMPT)).output == INVOICE
    assert client.provider.meter.totals().outcomes == {"invalid": 1, "answered": 1}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["truncated", "refusal"])
@pytest.mark.parametrize("output", [ToolOutput, NativeOutput])
async def test_unusable_answers_are_errors(
    start: Start, clients: list[Any], model: Any, kind: str, output: Any
) -> None:
    client = start(faults=[Fault(kind=kind)])
    with pytest.raises(UnexpectedModelBehavior):
        await agent_for(client, model, output(Invoice), clients, retries=0).run(PROMPT)
    assert client.provider.meter.totals().billed_calls == 1


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["500", "529", "429", "401", "insufficient_quota"])
async def test_http_errors_reach_pydantic_ai(start: Start, clients: list[Any], model: Any, kind: str) -> None:
    client = start(faults=[Fault(kind=kind)])
    with pytest.raises(ModelHTTPError) as caught:
        await agent_for(client, model, NativeOutput(Invoice), clients).run(PROMPT)
    assert caught.value.status_code == (429 if kind == "insufficient_quota" else int(kind))


def test_the_openai_sdk_understands_everything(start: Start, time: ManualTime) -> None:
    client = start(answers={SHA: "hello"}, limits=Limits(requests_per_minute=180, window_seconds=1), timing=time.timing)
    content: Any = [{"type": "input_file", "filename": "a.pdf", "file_data": data_url(PDF)}]
    parts: Any = [{"type": "file", "file": {"filename": "a.pdf", "file_data": data_url(PDF)}}]
    with openai.OpenAI(base_url=client.provider.base_url, api_key="simulated", max_retries=0) as sdk:
        assert "gpt-5.5" in [model.id for model in sdk.models.list()]
        assert sdk.responses.create(model="m", input=[{"role": "user", "content": content}]).output_text == "hello"
        stream = sdk.responses.create(model="m", input=[{"role": "user", "content": content}], stream=True)
        assert "".join(event.delta for event in stream if event.type == "response.output_text.delta") == "hello"
        chat = sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": parts}], stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chat) == "hello"
        with pytest.raises(openai.RateLimitError) as caught:
            sdk.responses.create(model="m", input="hi")
        assert caught.value.code == "rate_limit_exceeded"
        assert int(caught.value.response.headers["retry-after-ms"]) <= 334


def test_the_openai_sdk_parses_structured_answers(start: Start) -> None:
    client = start(answers={"Receipt": {"shop": "Corner", "total": 2}})
    with openai.OpenAI(base_url=client.provider.base_url, api_key="simulated", max_retries=0) as sdk:
        parsed = sdk.chat.completions.parse(
            model="m", messages=[{"role": "user", "content": "hi"}], response_format=Receipt
        )
        assert parsed.choices[0].message.parsed == Receipt(shop="Corner", total=2)
        assert sdk.responses.parse(model="m", input="hi", text_format=Receipt).output_parsed == Receipt(
            shop="Corner", total=2
        )
