"""A model whose calls are written to the ledger: opened before, closed after; recorded answers are given again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from decimal import Decimal

from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from nightdrop import clock
from nightdrop.agents.admission import Admission
from nightdrop.agents.failures import failure_of, may_be_billed
from nightdrop.agents.need import need_of
from nightdrop.agents.opening import opened
from nightdrop.agents.retry_policy import ANSWERED, spends
from nightdrop.agents.tape import Tape
from nightdrop.errors import ModelFailed, NightdropError, PriceUnknown
from nightdrop.faults import reach
from nightdrop.ids import new_id
from nightdrop.ledger.log import CallLog
from nightdrop.ledger.prices import FREE, UNKNOWN, price_of, unpriced
from nightdrop.limits.headers import listening
from nightdrop.limits.pace import Ticket
from nightdrop.records.budget import Need
from nightdrop.records.model_call import CallClosed, CallOpened, Price, Usage
from nightdrop.settings import load_settings
from nightdrop.tracing import note, span

log = logging.getLogger("nightdrop.agents")

CALL_ID_HEADER = "x-nightdrop-call-id"
"""Sent with every request, so that a provider's own log can be held against the ledger."""


class RecordedModel(WrapperModel):
    """Wraps a model for one attempt. `on_text`: hears of the answer's text as it comes (then the call streams)."""

    def __init__(
        self,
        wrapped: Model,
        provider: str,
        log: CallLog,
        admission: Admission,
        tape: Tape,
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(wrapped)
        self._admission = admission
        self._provider_name = provider
        self._log = log
        self._on_text = on_text
        self._tape = tape

    @property
    def named(self) -> tuple[str, str]:
        """Provider and model, as ledger rows call them."""
        return self._provider_name, self.wrapped.model_name

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The next recorded answer of this attempt, or a call whose cost and answer are recorded.

        Raises AskedElsewhere when another model was asked next.
        """
        response = self._tape.give(self.named)
        if response is None:
            with span("nightdrop.model_call", self._described()):
                response = await self._call(messages, model_settings, model_request_parameters)
            self._tape.add(self.named, response)
        return response

    async def _call(
        self, messages: list[ModelMessage], settings: ModelSettings | None, parameters: ModelRequestParameters
    ) -> ModelResponse:
        need = self._need(messages, settings, parameters)
        call = CallOpened(
            call_id=new_id(),
            run_id=self._log.run_id,
            attempt=self._log.attempt,
            step=self._log.step,
            step_try=self._log.step_try,
            provider=self._provider_name,
            model=self.wrapped.model_name,
            opened_at=clock.now_ms(),
        )
        note({"nightdrop.call_id": call.call_id})
        ticket, tokens = await opened(self._admission, self._log, call, need, messages)
        reach("call.opened")
        sent = ModelSettings(**(settings or {}))
        sent["extra_headers"] = {**(sent.get("extra_headers") or {}), CALL_ID_HEADER: call.call_id}
        if need is not None and tokens is not None and tokens < need.most:
            sent["max_tokens"] = tokens
        with listening() as headers:
            try:
                response, first_token_ms = await self._ask(messages, sent, parameters)
            except asyncio.CancelledError:
                note({"nightdrop.outcome": "cancelled"}, error="cancelled")
                self._admission.let_go(ticket)
                await asyncio.shield(self._log.leave_open(call.call_id, "cancelled"))
                raise
            except Exception as error:
                instead = await self._failed(call, ticket, error, headers)
                if instead is not None:
                    raise instead from error
                raise
        reach("call.answered")
        end = self._end(response, call, first_token_ms)
        await self._admission.answered(ticket, end.usage.input_tokens + end.usage.output_tokens, headers)
        await self._log.close(call.call_id, end)
        reach("call.closed")
        note(_seen(end))
        return response

    def _described(self) -> dict[str, str | int | float | None]:
        return {
            "nightdrop.run_id": self._log.run_id,
            "gen_ai.provider.name": self._provider_name,
            "gen_ai.request.model": self.wrapped.model_name,
        }

    def _need(
        self, messages: list[ModelMessage], settings: ModelSettings | None, parameters: ModelRequestParameters
    ) -> Need | None:
        """What to reserve; None where nothing bounds the run. Raises PriceUnknown."""
        purse = self._log.purse
        if purse is None:
            return None
        need = need_of(self._provider_name, self.wrapped, messages, settings, parameters, clock.now_ms())
        if need is None and purse.budget.price_unknown == "refuse":
            raise PriceUnknown(unpriced(self._provider_name, self.wrapped.model_name))
        return need

    async def _ask(
        self, messages: list[ModelMessage], settings: ModelSettings, parameters: ModelRequestParameters
    ) -> tuple[ModelResponse, int | None]:
        if self._on_text is None:
            return await self.wrapped.request(messages, settings, parameters), None
        started, first = time.perf_counter(), None
        async with self.wrapped.request_stream(messages, settings, parameters) as stream:
            async for event in stream:
                text = _text_of(event)
                if text:
                    first = first if first is not None else int((time.perf_counter() - started) * 1000)
                    self._on_text(text)
            return stream.get(), first

    async def _failed(
        self, call: CallOpened, ticket: Ticket, error: Exception, headers: Mapping[str, str]
    ) -> ModelFailed | None:
        """Record a failed call; returns what to raise instead of its error, if anything."""
        failure = error if isinstance(error, NightdropError) else failure_of(error)
        instead = await self._admission.failed(ticket, failure, headers or _headers_of(error))
        code = failure.code if instead is None or not spends(failure.code) else instead.code
        note({"nightdrop.outcome": code}, error=code)
        if may_be_billed(error):
            await self._log.leave_open(call.call_id, code)
        else:
            end = CallClosed(outcome=code, closed_at=clock.now_ms(), usage=Usage(), price=FREE)
            await self._log.close(call.call_id, end)
        return instead

    def _end(self, response: ModelResponse, call: CallOpened, first_token_ms: int | None) -> CallClosed:
        used = response.usage
        usage = Usage(
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cache_read_tokens=used.cache_read_tokens,
            cache_write_tokens=used.cache_write_tokens,
            reasoning_tokens=int(used.details.get("reasoning_tokens", 0)),
        )
        price = self._price(response, call, usage)
        return CallClosed(
            outcome=ANSWERED,
            closed_at=clock.now_ms(),
            usage=usage,
            price=price,
            first_token_ms=first_token_ms,
            response=ModelMessagesTypeAdapter.dump_json([response]).decode(),
            tier=_tier(response),
        )

    def _price(self, response: ModelResponse, call: CallOpened, usage: Usage) -> Price:
        """What the call cost. The answer is here and paid: no trouble with a price list may lose it."""
        try:
            return price_of(
                self._provider_name,
                response.model_name or call.model,
                usage,
                said=_named_cost(response),
                at_ms=call.opened_at,
                prices_file=load_settings().prices,
                tier=_tier(response),
            )
        except Exception:
            log.exception("call %s has no price", call.call_id)
            return UNKNOWN


def _headers_of(error: Exception) -> Mapping[str, str]:
    """What the model layer kept of a refusal's headers, where the HTTP client is not ours."""
    return getattr(error, "headers", None) or {}


def _seen(end: CallClosed) -> dict[str, str | int | float | None]:
    """What a span says of a call that was answered."""
    cost = end.price.cost_pico
    return {
        "gen_ai.usage.input_tokens": end.usage.input_tokens,
        "gen_ai.usage.output_tokens": end.usage.output_tokens,
        "nightdrop.cost_dollars": None if cost is None else cost / 1e12,
        "nightdrop.outcome": end.outcome,
    }


def _text_of(event: object) -> str:
    part = event.part if isinstance(event, PartStartEvent) else None
    delta = event.delta if isinstance(event, PartDeltaEvent) else None
    if isinstance(part, TextPart):
        return part.content
    if isinstance(part, ToolCallPart):
        return part.args if isinstance(part.args, str) else ""
    if isinstance(delta, TextPartDelta):
        return delta.content_delta
    if isinstance(delta, ToolCallPartDelta):
        return delta.args_delta if isinstance(delta.args_delta, str) else ""
    return ""


def _named_cost(response: ModelResponse) -> Decimal | None:
    """Dollars that the provider itself named (OpenRouter does), None mostly."""
    said = (response.provider_details or {}).get("cost")
    return None if said is None else Decimal(str(said))


def _tier(response: ModelResponse) -> str | None:
    """The service tier that the provider says it answered in (OpenAI and Google do), None mostly."""
    said = (response.provider_details or {}).get("service_tier")
    return None if said is None else str(said)
