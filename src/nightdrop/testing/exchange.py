"""One model call from admission to answer: limits, fault, latency, answer, meter, reply; in this order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from nightdrop import ids
from nightdrop.testing import chat, messages, refusals, responses
from nightdrop.testing.answers import Answers, as_text
from nightdrop.testing.delivery import deliver
from nightdrop.testing.faults import Fault, FaultKind, FaultPlan
from nightdrop.testing.http_server import HttpRequest, Reply
from nightdrop.testing.latency import Latency
from nightdrop.testing.limits import Gate, Limits, Refusal, retry_headers
from nightdrop.testing.meter import Meter, MeterCall
from nightdrop.testing.model_request import Api, ModelRequest
from nightdrop.testing.price import Usage, text_tokens
from nightdrop.testing.prompt_cache import PromptCache
from nightdrop.testing.request_body import read_request
from nightdrop.testing.spoil import cut, misfit
from nightdrop.testing.timing import Timing
from nightdrop.testing.tool_script import ToolCall, next_call
from nightdrop.testing.turn import Said, Turn

_log = logging.getLogger(__name__)
_ID = {"chat": "chatcmpl-", "responses": "resp_", "messages": "msg_"}
_DRIP_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class _Call:
    """One call on its way through the exchange."""

    id: str
    received_at: int
    api: Api
    call_id: str | None
    reply: Reply
    request: ModelRequest | None = None
    input_tokens: int = 0
    recorded: bool = False


class Exchange:
    """The simulated model behind its limits and faults. Everything here runs on one event loop."""

    def __init__(
        self,
        *,
        answers: Answers,
        latency: Latency,
        limits: Limits,
        faults: FaultPlan,
        tools: Sequence[ToolCall],
        meter: Meter,
        timing: Timing,
    ) -> None:
        self.answers = answers
        self.faults = faults
        self.gate = Gate(limits, timing.monotonic)
        self.meter = meter
        self._cache = PromptCache() if meter.price.prompt_cache else None
        self._latency = latency
        self._tools = tuple(tools)
        self._timing = timing
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """Calls that were admitted and are not over."""
        return self.gate.running

    async def wait_idle(self) -> None:
        """Wait until no call is in flight."""
        await self._idle.wait()

    async def answer(self, http: HttpRequest, reply: Reply, api: Api) -> None:
        """Answer one request to a model; a bug, or an error in the answer hook, is a 500 of its own outcome."""
        call = _Call(
            id=ids.new_id().replace("-", ""),
            received_at=self._timing.now_ms(),
            api=api,
            call_id=http.headers.get("x-nightdrop-call-id"),
            reply=reply,
        )
        try:
            await self._admit(http, call)
        except Exception as error:  # noqa: BLE001 - the HTTP edge: whatever broke, the client and the meter are told
            _log.exception("the simulated provider failed")
            if call.recorded:  # something may have been sent already
                reply.reset()
                return
            self._record(call, "simulator_error")
            self._error(call, 500, refusals.body(f"the simulated provider failed: {error!r}", "simulator_error"))

    async def _admit(self, http: HttpRequest, call: _Call) -> None:
        try:
            request = read_request(http.body, call.api, keep_content=self.answers.hook is not None)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self._record(call, "400")
            self._error(call, 400, refusals.body(f"bad request: {error}", "invalid_request_error"))
            return
        http.body = b""
        call.request = request
        call.input_tokens = self.meter.price.input_tokens(len(request.text), [file.size for file in request.files])
        refusal = self.gate.admit(call.input_tokens)
        if refusal is not None:
            self._refuse(call, refusal)
            return
        self._idle.clear()
        try:
            await self._serve(call, request, self.faults.decide(request.document, request.hashes))
        finally:
            self.gate.release()
            if self.gate.running == 0:
                self._idle.set()

    def _refuse(self, call: _Call, refusal: Refusal) -> None:
        self._record(call, "429", limited_by=refusal.by)
        kind = "tokens" if refusal.by == "tokens" else "requests"
        headers = {} if refusal.wait is None else retry_headers(refusal.wait)
        self._error(call, 429, refusals.body(refusal.message, kind, "rate_limit_exceeded"), headers)

    async def _serve(self, call: _Call, request: ModelRequest, fault: Fault | None) -> None:
        kind = None if fault is None else fault.kind
        refusal = refusals.of(fault)
        if refusal is None:
            await self._timing.sleep(self._latency.draw())
        turn: Turn | None = None
        if fault is None or fault.is_billed or refusals.is_answered(fault):
            turn = await self._turn(call, request, fault)
            self.gate.spend(turn.usage.output_tokens)
        outcome = str(kind) if kind is not None else "client_gone" if call.reply.gone else "answered"
        billed = turn is not None and (fault is None or fault.is_billed)
        self._record(call, outcome, usage=turn.usage if turn is not None else None, billed=billed)
        if refusal is not None:
            self._error(call, refusal.status, refusal.body, refusal.headers)
        elif kind == FaultKind.TIMEOUT:
            await call.reply.wait_gone()
        elif kind in (FaultKind.RESET, FaultKind.RESET_AFTER) or turn is None:
            call.reply.reset()
        else:
            await self._send(call, request, turn, fault)

    async def _turn(self, call: _Call, request: ModelRequest, fault: Fault | None) -> Turn:
        """What the model says, spoiled as the fault asks."""
        kind = None if fault is None else fault.kind
        planned = next_call(self._tools, request)
        said: Said
        if kind == FaultKind.REFUSAL:
            said, tool, text = "refusal", "", "I'm sorry, but I cannot help with that."
        elif planned is not None:
            said, tool, text = "tool", planned[0], as_text(planned[1], request)
        else:
            said = "tool" if request.output == "tool" else "text"
            tool, text = request.schema_name or "", await self.answers.text(request)
        if kind == FaultKind.INVALID:
            text = misfit(text, request.schema if planned is None else None)
        if kind == FaultKind.TRUNCATED:
            text = cut(text)
        return Turn(
            id=call.id,
            created=call.received_at // 1000,
            model=request.model,
            kind=said,
            text=text,
            tool=tool,
            truncated=kind == FaultKind.TRUNCATED,
            usage=self._usage(call, request, text_tokens(len(text))),
        )

    def _usage(self, call: _Call, request: ModelRequest, output_tokens: int) -> Usage:
        usage = self.meter.price.usage(call.input_tokens, output_tokens)
        if self._cache is None:
            return usage
        read, written = self._cache.look(request)
        return replace(usage, cached_tokens=read, cache_write_tokens=written)

    async def _send(self, call: _Call, request: ModelRequest, turn: Turn, fault: Fault | None) -> None:
        data: dict[str, Any] | list[bytes]
        if request.api == "chat":
            data = chat.events(turn, include_usage=request.include_usage) if request.stream else chat.body(turn)
        elif request.api == "messages":
            data = messages.events(turn) if request.stream else messages.body(turn)
        else:
            data = responses.events(turn) if request.stream else responses.body(turn)
        drip = 0.0
        if fault is not None and fault.kind == FaultKind.SLOW_DRIP:
            drip = _DRIP_SECONDS if fault.seconds is None else fault.seconds
        await deliver(call.reply, data, self._headers(call), drip=drip, sleep=self._timing.sleep)

    def _headers(self, call: _Call) -> dict[str, str]:
        if call.api == "messages":
            return {"request-id": f"req_{call.id}", **messages.headers(self.gate.left(), self._timing.now_ms())}
        return {"x-request-id": f"req_{call.id}", **self.gate.headers()}

    def _error(self, call: _Call, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        if call.api == "messages":
            status, body = messages.refusal(status, body["error"])
        call.reply.json(status, body, {**self._headers(call), **(headers or {})})

    def _record(
        self,
        call: _Call,
        outcome: str,
        *,
        usage: Usage | None = None,
        billed: bool = False,
        limited_by: str | None = None,
    ) -> None:
        call.recorded = True
        request = call.request
        spent = usage or Usage()
        self.meter.record(
            MeterCall(
                id=_ID[call.api] + call.id,
                received_at=call.received_at,
                recorded_at=self._timing.now_ms(),
                api=call.api,
                outcome=outcome,
                billed=billed,
                model=request.model if request is not None else "",
                call_id=call.call_id,
                files=request.hashes if request is not None else (),
                input_tokens=spent.input_tokens,
                output_tokens=spent.output_tokens,
                cached_tokens=spent.cached_tokens,
                cache_write_tokens=spent.cache_write_tokens,
                cents=self.meter.price.cents(spent) if billed else Decimal(0),
                limited_by=limited_by,
            )
        )
