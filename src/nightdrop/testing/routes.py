"""The provider's paths: the three model APIs, and `/_...` to look at it and to change it while it runs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from nightdrop.errors import UsageError
from nightdrop.testing import refusals
from nightdrop.testing.exchange import Exchange
from nightdrop.testing.faults import FaultPlan
from nightdrop.testing.http_server import HttpRequest, Reply
from nightdrop.testing.limits import Limits
from nightdrop.testing.meter import total

_MODELS = ("gpt-5.5", "gpt-5.5-mini", "simulated")  # any other name is answered too
_Route: TypeAlias = Callable[[HttpRequest, Reply], Awaitable[None]]


class Routes:
    """Sends each request to what answers it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._routes: dict[str, dict[str, _Route]] = {
            "/v1/chat/completions": {"POST": self._chat},
            "/v1/responses": {"POST": self._responses},
            "/v1/messages": {"POST": self._messages},
            "/v1/models": {"GET": self._models},
            "/_meter": {"GET": self._meter, "DELETE": self._clear_meter},
            "/_limits": {"GET": self._limits, "POST": self._set_limits},
            "/_faults": {"GET": self._faults, "POST": self._set_faults},
        }

    async def __call__(self, request: HttpRequest, reply: Reply) -> None:
        """Answer this request."""
        methods = self._routes.get(request.path)
        if methods is None:
            reply.json(404, refusals.body(f"unknown path {request.path}", "invalid_request_error", "not_found"))
        elif request.method not in methods:
            allowed = {"allow": ", ".join(methods)}
            reply.json(405, refusals.body(f"{request.method} is not allowed", "invalid_request_error"), allowed)
        else:
            await methods[request.method](request, reply)

    async def _chat(self, request: HttpRequest, reply: Reply) -> None:
        await self._exchange.answer(request, reply, "chat")

    async def _responses(self, request: HttpRequest, reply: Reply) -> None:
        await self._exchange.answer(request, reply, "responses")

    async def _messages(self, request: HttpRequest, reply: Reply) -> None:
        await self._exchange.answer(request, reply, "messages")

    async def _models(self, request: HttpRequest, reply: Reply) -> None:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "nightdrop"} for name in _MODELS]
        reply.json(200, {"object": "list", "data": models})

    async def _meter(self, request: HttpRequest, reply: Reply) -> None:
        """`?settled=1` waits until no call is in flight; `?calls=0` leaves the entries out."""
        if request.query.get("settled") == "1":
            await self._exchange.wait_idle()
        calls = self._exchange.meter.calls
        answer = {"totals": total(calls).to_json(), "in_flight": self._exchange.in_flight}
        if request.query.get("calls") != "0":
            answer["calls"] = [call.to_json() for call in calls]
        reply.json(200, answer)

    async def _clear_meter(self, request: HttpRequest, reply: Reply) -> None:
        self._exchange.meter.clear()
        reply.json(200, {"totals": self._exchange.meter.totals().to_json()})

    async def _limits(self, request: HttpRequest, reply: Reply) -> None:
        reply.json(200, self._exchange.gate.limits.to_json())

    async def _set_limits(self, request: HttpRequest, reply: Reply) -> None:
        try:
            self._exchange.gate.change(Limits.from_json(json.loads(request.body)))
        except (ValueError, TypeError, UsageError) as error:
            reply.json(400, refusals.body(str(error), "invalid_request_error"))
        else:
            await self._limits(request, reply)

    async def _faults(self, request: HttpRequest, reply: Reply) -> None:
        reply.json(200, self._exchange.faults.to_json())

    async def _set_faults(self, request: HttpRequest, reply: Reply) -> None:
        try:
            self._exchange.faults = FaultPlan.from_json(json.loads(request.body))
        except (ValueError, TypeError, UsageError) as error:
            reply.json(400, refusals.body(str(error), "invalid_request_error"))
        else:
            await self._faults(request, reply)
