"""The governor of one limit in this process: who may call now, who is next, and what their calls taught."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from nightdrop import clock
from nightdrop.limits.caller import Caller
from nightdrop.limits.headers import Hints
from nightdrop.limits.line import Line
from nightdrop.limits.pace import FULL, Outcome, Pace, Ticket
from nightdrop.limits.window import FIRST
from nightdrop.records.rate_limit import RateLimit
from nightdrop.store.rates import Share

_STALE_SECONDS = 4.0  # less than the lease of a share: who cannot renew it uses it no longer
_PATIENCE_SECONDS = 2.0  # for the first share; without one an automatic limit begins small


@dataclass(eq=False, slots=True)
class _Waiting:
    """A caller in the line."""

    caller: Caller
    guess: float
    place: asyncio.Future[Ticket]


class Governor:
    """Lives on one event loop. `shared`: other processes have parts of the limit too, so none is used before this
    process has its own."""

    def __init__(self, key: str, limit: RateLimit, *, shared: bool) -> None:
        self.key = key
        self.pace = Pace(limit, clock.monotonic())
        self.asked_at = clock.monotonic()
        self._line: Line[_Waiting] = Line()
        self._timer: asyncio.TimerHandle | None = None
        self._shared = shared
        self._renewed_at: float | None = None
        self._born = clock.monotonic()

    @property
    def waiting(self) -> int:
        """Callers in the line."""
        return len(self._line)

    @property
    def is_new(self) -> bool:
        """Whether it waits for its first share."""
        return self._shared and self._renewed_at is None

    async def permit(self, caller: Caller, guess: float) -> Ticket:
        """Wait until a call of this size (in tokens) may be made. `settle` must follow."""
        loop = asyncio.get_running_loop()
        self.asked_at = clock.monotonic()
        waiting = _Waiting(caller=caller, guess=guess, place=loop.create_future())
        self._line.join(waiting, lane=caller.lane, priority=caller.priority)
        self.look()
        try:
            return await waiting.place
        except BaseException:
            self._line.leave(waiting, lane=caller.lane, priority=caller.priority)
            if waiting.place.done() and not waiting.place.cancelled() and waiting.place.exception() is None:
                self.settle(waiting.place.result(), "failed")
            raise

    def settle(self, ticket: Ticket, outcome: Outcome, *, used: int = 0, hints: Hints | None = None) -> None:
        """A call has ended. used: its tokens, 0 when nobody knows."""
        self.pace.end(ticket, outcome, clock.monotonic(), used=used, hints=hints)
        self.look()

    def share(self, part: Share) -> None:
        """This process's part from now on."""
        now = clock.monotonic()
        if self.pace.window is not None:
            if not self.is_new:
                self.pace.window.lean(part.fair)
            elif part.learned is not None:
                self.pace.window.begin_at(max(FIRST, part.learned * 0.9 / (part.others + 1)))
        self._renewed_at = now
        self.pace.resize(places=part.places, share=part.share, now=now)
        self.look()

    def fail_all(self, error: Exception) -> None:
        """Send everyone away who waits: the provider is paused."""
        while len(self._line):
            waiting = self._line.pop()
            if not waiting.place.done():
                waiting.place.set_exception(error)

    def look(self) -> None:
        """Let go who may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = clock.monotonic()
        while (first := self._line.first()) is not None:
            wait = self._blind(now) or self.pace.wait(first.guess, now)
            if wait > 0:
                if wait != FULL:
                    self._timer = asyncio.get_running_loop().call_later(max(wait, 0.001), self.look)
                return
            self._line.pop()
            if not first.place.done():
                first.place.set_result(self.pace.begin(first.guess, now))

    def _blind(self, now: float) -> float:
        """Seconds to the next look while this process does not know its part of what others use too."""
        if not self._shared:
            return 0.0
        if self._renewed_at is None:
            is_fixed = self.pace.window is None or self.pace.requests.fixed or self.pace.tokens.fixed
            return 0.05 if is_fixed or now - self._born < _PATIENCE_SECONDS else 0.0
        return 0.2 if now - self._renewed_at > _STALE_SECONDS and self.pace.window is None else 0.0
