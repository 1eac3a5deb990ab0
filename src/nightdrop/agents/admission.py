"""The way of one attempt's calls to a model: past a paused provider, through the limits, and what came of it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart

from nightdrop import clock
from nightdrop.agents.limit_key import limit_key
from nightdrop.errors import (
    ModelFailed,
    NightdropError,
    ProviderOverloaded,
    ProviderPaused,
    ProviderRefusedKey,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)
from nightdrop.limits.board import board
from nightdrop.limits.caller import current_caller
from nightdrop.limits.file import limit_for
from nightdrop.limits.headers import Hints
from nightdrop.limits.pace import Outcome, Ticket
from nightdrop.records.rate_limit import RateLimit
from nightdrop.settings import load_settings
from nightdrop.store.providers import ProviderPause

_BY_CODE: dict[str, type[ModelFailed]] = {
    kind.code: kind for kind in (ProviderRefusedKey, QuotaExhausted, ProviderUnavailable)
}
_BY_HAND_SECONDS = 60.0  # looked at again so often; resuming does not wait for it
_CHARACTERS_PER_TOKEN, _TOKENS_OF_A_DOCUMENT, _TOKENS_OF_AN_ANSWER = 4, 1500, 300


class Admission:
    """Made for one attempt, on whose behalf the running task works."""

    def __init__(self, model: Any, limit: RateLimit | None) -> None:
        key = limit_key(model)
        given = limit or limit_for(key, load_settings().limits) or RateLimit()
        self._board = board()
        self._account = self._board.account(key.account)
        self._governor = self._board.governor(key, given)
        self._caller = current_caller()
        self._probing = False

    async def enter(self, messages: list[ModelMessage]) -> Ticket:
        """Wait until the call may be made; `answered` or `failed` must follow. Raises ProviderPaused, whose `plain` is
        the error that paused the provider, for what somebody waits for."""
        await self._pass()
        ticket = await self._governor.permit(self._caller, _guess(messages))
        if self._account.pause is not None and not self._probing:
            try:
                await self._pass()
            except BaseException:
                self.let_go(ticket)
                raise
        return ticket

    @property
    def opens_at(self) -> float:
        """When the provider may be asked, in milliseconds since 1970: 0 now, infinite once a person resumes it."""
        now = clock.now_ms()
        if not self._account.blocks(now) or self._account.pause is None:
            return 0
        return self._account.pause.probe_at or math.inf

    @property
    def paused_as(self) -> str | None:
        """What rows call the pause of its provider, None while there is none."""
        return None if self._account.pause is None else self._account.pause.name

    def let_go(self, ticket: Ticket) -> None:
        """The call was not made, or nobody waits for its end."""
        self._governor.settle(ticket, "failed")

    async def answered(self, ticket: Ticket, tokens: int, headers: Mapping[str, str]) -> None:
        """The call was answered with so many tokens in all."""
        self._governor.settle(ticket, "answered", used=tokens, hints=_hints(headers))
        await self._is_there()

    async def failed(
        self, ticket: Ticket, failure: NightdropError, headers: Mapping[str, str]
    ) -> ProviderPaused | None:
        """The call failed. What to raise instead, when it is the provider's failure and not the document's."""
        refused = isinstance(failure, RateLimited | ProviderOverloaded)
        outcome: Outcome = "refused" if refused else "failed"
        self._governor.settle(ticket, outcome, hints=_hints(headers))
        if not isinstance(failure, ProviderRefusedKey | QuotaExhausted | ProviderUnavailable | ProviderOverloaded):
            await self._is_there()
            return None
        if self._account.failed(failure.code, self._caller.document) and self._account.pause is None:
            await self._board.open(self._account, failure.code, failure.message)
        pause = self._account.pause
        self._probing = False
        if pause is None or refused or not self._caller.waits():
            return None
        return self._paused(pause)

    async def _is_there(self) -> None:
        self._account.answered()
        if self._probing:
            self._probing = False
            await self._board.close(self._account)

    async def _pass(self) -> None:
        pause = self._account.pause
        if pause is None:
            return
        if self._account.is_due(clock.now_ms()) and await self._board.take_probe(self._account):
            self._probing = True
            return
        if self._account.pause is not None:
            raise self._paused(self._account.pause)

    def _paused(self, pause: ProviderPause) -> ProviderPaused:
        again = (pause.probe_at - clock.now_ms()) / 1000 if pause.probe_at is not None else _BY_HAND_SECONDS
        again = max(0.5, again)
        words = (
            f"{pause.provider} is paused: {pause.message} (`nightdrop providers resume {pause.provider}`, or wait: "
            f"it is tried again in {again:.0f} s)"
        )
        if self._caller.waits():
            return ProviderPaused(words, retry_after=again + random.random(), provider=pause.name)
        return ProviderPaused(words, plain=_BY_CODE.get(pause.code, ProviderPaused)(words))


def _hints(headers: Mapping[str, str]) -> Hints:
    return Hints.of(headers, clock.now_ms() / 1000)


def _guess(messages: list[ModelMessage]) -> float:
    """Roughly how many tokens a call uses; what earlier calls really used puts it right."""
    return _TOKENS_OF_AN_ANSWER + sum(_sizes(messages))


def _sizes(messages: list[ModelMessage]) -> Iterator[float]:
    for message in messages:
        if isinstance(message, ModelRequest) and message.instructions:
            yield len(message.instructions) / _CHARACTERS_PER_TOKEN
        for part in message.parts:
            if not isinstance(part, UserPromptPart):
                continue
            for item in [part.content] if isinstance(part.content, str) else part.content:
                yield len(item) / _CHARACTERS_PER_TOKEN if isinstance(item, str) else _TOKENS_OF_A_DOCUMENT
