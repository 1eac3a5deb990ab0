"""When the next call may go: concurrency, requests and tokens per minute of one key. Pure: time is an argument.

What an answer says (its headers, a refusal, how long it took) goes in, how long to wait comes out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from nightdrop.limits.bucket import Bucket
from nightdrop.limits.headers import Hints
from nightdrop.limits.window import FIRST, Window
from nightdrop.records.rate_limit import RateLimit

FULL = math.inf
"""No place until a call ends."""

Outcome = Literal["answered", "refused", "failed"]
_RATIO_WEIGHT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A call under way. tokens: what it was counted with; guess: what its size was taken for."""

    started: float
    tokens: float
    guess: float


class Pace:
    """One process's part of a key's limits. `places` and `share` are that part; None and 1: all of it."""

    def __init__(self, limit: RateLimit, now: float, *, start: float = FIRST, ceiling: float | None = None) -> None:
        self.limit = limit
        self.window = Window(start, ceiling) if limit.concurrency == "auto" else None
        self.places: int | None = None if limit.concurrency == "auto" else limit.concurrency
        self.share = 1.0
        self.in_flight = 0
        self.requests = Bucket(limit.requests_per_minute, now, fixed=limit.requests_per_minute is not None)
        self.tokens = Bucket(limit.tokens_per_minute, now, fixed=limit.tokens_per_minute is not None)
        self.refusals = 0
        self._ratio = 1.0  # tokens used by a call for each one that it was taken for
        self._under_way = 0.0  # tokens
        self._hold_until = float("-inf")
        self._ended = float("-inf")

    @property
    def width(self) -> float:
        """Calls at a time, now."""
        return self.window.limit if self.window is not None else float(self.places or 0)

    def count(self, guess: float) -> float:
        """Tokens that a call of this size will use, as far as earlier ones tell."""
        return guess * self._ratio

    def wait(self, guess: float, now: float) -> float:
        """Seconds until a call of this size may go: 0 now, FULL when another must end before."""
        rated = self.requests.per_minute is not None or self.tokens.per_minute is not None
        if self.in_flight + 1 > max(1.0, self.width) or self.width <= 0 or (rated and self.share <= 0):
            return FULL
        wait = max(
            self._hold_until - now,
            self.requests.wait(1, now),
            self.tokens.wait(self.count(guess), now),
            self._pause(now),
        )
        return max(0.0, wait)

    def begin(self, guess: float, now: float) -> Ticket:
        """A call goes."""
        tokens = self.count(guess)
        self.in_flight += 1
        self._under_way += tokens
        self.requests.take(1, now)
        self.tokens.take(tokens, now)
        return Ticket(started=now, tokens=tokens, guess=guess)

    def end(self, ticket: Ticket, outcome: Outcome, now: float, *, used: int = 0, hints: Hints | None = None) -> None:
        """A call has ended. used: its tokens, 0 when nobody knows."""
        self.in_flight -= 1
        self._ended = now
        self._under_way = max(0.0, self._under_way - ticket.tokens)
        if outcome == "answered":
            self._settle(ticket, used, now)
            if self.window is not None:
                self.window.answered(ticket.started, now, self.in_flight + 1)
        elif outcome == "refused":
            self.refusals += 1
            self.requests.take(-1, now)
            self.tokens.take(-ticket.tokens, now)
        if hints is not None:
            self._learn(hints, now)
        if outcome == "refused":
            self._refused(ticket, hints or Hints(), now)

    def resize(self, *, places: int | None, share: float, now: float) -> None:
        """From now on another part of the limits is this process's."""
        self.places = places
        self.share = share
        self.requests.resize(share, now)
        self.tokens.resize(share, now)

    def _settle(self, ticket: Ticket, used: int, now: float) -> None:
        if used <= 0:
            return
        self.tokens.take(used - ticket.tokens, now)
        if ticket.guess > 0:
            ratio = min(100.0, max(0.01, used / ticket.guess))
            self._ratio += _RATIO_WEIGHT * (ratio - self._ratio)

    def _learn(self, hints: Hints, now: float) -> None:
        if hints.requests is not None:
            self.requests.learn(hints.requests, self.in_flight, now)
        if hints.tokens is not None:
            self.tokens.learn(hints.tokens, self._under_way, now)

    def _refused(self, ticket: Ticket, hints: Hints, now: float) -> None:
        by_rate = False
        if hints.requests is not None and hints.requests.remaining < 1:
            self.requests.empty(now)
            by_rate = True
        if hints.tokens is not None and hints.tokens.remaining < max(1.0, ticket.tokens):
            by_rate = True
        if by_rate:
            self._hold_until = max(self._hold_until, now + min(hints.retry_after or 0.0, 60.0))
            return
        if self.window is not None:
            self.window.refused(now, self.in_flight)
        if hints.retry_after is not None and self.in_flight == 0:
            self._hold_until = max(self._hold_until, now + min(hints.retry_after, 60.0))

    def _pause(self, now: float) -> float:
        """Below one call at a time there is a pause between them."""
        if self.window is None or self.window.limit >= 1:
            return 0.0
        return self._ended + self.window.latency * (1 / self.window.limit - 1) - now
