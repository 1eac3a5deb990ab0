"""The simulated provider with Anthropic's SDK, by pydantic-ai: answers, tools, streams, refusals and limits."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from provider_client import PDF, Client, Start
from pydantic_ai import Agent, BinaryContent, NativeOutput, ToolOutput
from pydantic_ai.exceptions import (
    ModelAuthenticationError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelServerError,
    UnexpectedModelBehavior,
)
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from nightdrop.schemas import Invoice
from nightdrop.testing import Fault, Limits, ToolCall

SHA = hashlib.sha256(PDF).hexdigest()
INVOICE = Invoice.model_validate({"invoice_number": "R-7", "total": "12.50"})
PROMPT: Any = ["Extract the invoice.", BinaryContent(PDF, media_type="application/pdf")]


@pytest.fixture
async def clients() -> AsyncIterator[list[Any]]:
    opened: list[Any] = []
    yield opened
    for client in opened:
        await client.close()


def agent_for(client: Client, output: Any, clients: list[Any], **more: Any) -> Agent[None, Any]:
    sdk = AsyncAnthropic(base_url=client.provider.url, api_key="simulated", max_retries=0)
    clients.append(sdk)
    model = AnthropicModel("claude-sonnet-4-6", provider=AnthropicProvider(anthropic_client=sdk))
    return Agent(model, output_type=output, **more)


@pytest.mark.parametrize("output", [ToolOutput(Invoice), NativeOutput(Invoice)])
async def test_the_answer_of_the_table_and_its_tokens(start: Start, clients: list[Any], output: Any) -> None:
    client = start(answers={SHA: INVOICE})
    result = await agent_for(client, output, clients).run(PROMPT)
    assert result.output == INVOICE
    totals = client.provider.meter.totals()
    assert (result.usage.input_tokens, result.usage.output_tokens) == (totals.input_tokens, totals.output_tokens)
    (call,) = client.provider.meter.calls
    assert (call.api, call.files, call.id[:4]) == ("messages", (SHA,), "msg_")


async def test_text_is_streamed(start: Start, clients: list[Any]) -> None:
    client = start(answers=lambda request: f"heard: {request.text}")
    async with agent_for(client, str, clients, instructions="Be brief.").run_stream("Hello.") as stream:
        pieces = [piece async for piece in stream.stream_text(delta=True, debounce_by=None)]
    said = "".join(pieces)
    assert said.startswith("heard: ")
    assert said.endswith("Be brief.\nHello.")
    assert len(pieces) > 1


async def test_a_tool_is_called_once_before_the_answer(start: Start, clients: list[Any]) -> None:
    client = start(answers={SHA: INVOICE}, tools=[ToolCall(name="look_up", arguments={"number": 7})])
    agent = agent_for(client, Invoice, clients)
    seen: list[int] = []

    @agent.tool_plain
    def look_up(number: int) -> str:
        """Look a number up."""
        seen.append(number)
        return "found"

    result = await agent.run(PROMPT)
    assert (result.output, seen, len(client.provider.meter.calls)) == (INVOICE, [7], 2)


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("500", ModelServerError),
        ("529", ModelOverloadedError),
        ("429", ModelRateLimitError),
        ("401", ModelAuthenticationError),
        ("insufficient_quota", ModelQuotaExceededError),
        ("truncated", UnexpectedModelBehavior),
    ],
)
async def test_faults_are_what_the_client_takes_them_for(
    start: Start, clients: list[Any], kind: str, raised: type[Exception]
) -> None:
    client = start(answers={SHA: INVOICE}, faults=[Fault(kind=kind)])
    with pytest.raises(raised):
        await agent_for(client, Invoice, clients, retries=0).run(PROMPT)
    assert client.provider.meter.calls[0].outcome == kind


async def test_limits_are_named_in_the_headers(start: Start, clients: list[Any]) -> None:
    client = start(limits=Limits(requests_per_minute=60))
    sdk = AsyncAnthropic(base_url=client.provider.url, api_key="simulated", max_retries=0)
    clients.append(sdk)
    raw = await sdk.messages.with_raw_response.create(
        model="claude-sonnet-4-6", max_tokens=100, messages=[{"role": "user", "content": "Hi"}]
    )
    assert raw.headers["anthropic-ratelimit-requests-limit"] == "60"
    assert raw.headers["anthropic-ratelimit-requests-remaining"] == "59"
    assert raw.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    assert (await raw.parse()).usage.output_tokens > 0
