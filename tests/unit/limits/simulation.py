"""A provider with hidden limits and the governor's core, on a simulated clock: a minute takes a moment."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from nightdrop.limits.headers import Hints
from nightdrop.limits.pace import FULL, Pace, Ticket
from nightdrop.testing.limits import Gate, Limits, retry_headers

REFUSED_AFTER = 0.005


@dataclass
class Simulation:
    """Clients with endless work against one Gate. tokens: of each call. says: whether answers have headers."""

    limits: Limits
    paces: list[Pace]
    latency: float = 0.5
    tokens: int = 100
    says: bool = True
    now: float = 0.0
    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate = Gate(self.limits, lambda: self.now)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._timers: dict[int, float] = {}  # of each pace, when it looks again

    def run(self, until: float) -> None:
        """Go on until this moment."""
        for pace in self.paces:
            self._at(self.now, lambda p=pace: self._ask(p))
        self._at(self.now + 1, self._renew)
        while self._events and self._events[0][0] <= until:
            self.now, _, act = heapq.heappop(self._events)
            act()
        self.now = until
        self._events = [e for e in self._events if e[2].__name__ not in ("<lambda>", "_renew")]

    def _renew(self) -> None:
        windows = [pace.window for pace in self.paces if pace.window is not None]
        fair = sum(window.limit for window in windows) / max(1, len(windows))
        for window in windows:
            window.lean(fair)
        self._at(self.now + 1, self._renew)

    def rate(self, since: float, until: float) -> float:
        """Answers per second."""
        return sum(since <= at < until for at in self.answered) / (until - since)

    def refused_share(self, since: float, until: float) -> float:
        """Of the calls made, those refused."""
        bad = sum(since <= at < until for at in self.refused)
        return bad / max(1, bad + sum(since <= at < until for at in self.answered))

    def _at(self, when: float, act: Callable[[], Any]) -> None:
        heapq.heappush(self._events, (when, next(self._order), act))

    def _ask(self, pace: Pace) -> None:
        while (wait := pace.wait(self.tokens, self.now)) == 0:
            self._send(pace, pace.begin(self.tokens, self.now))
        self._timers[id(pace)] = when = self.now + max(wait, 0.001)
        if wait != FULL:
            self._at(when, lambda: self._look(pace, when))

    def _look(self, pace: Pace, when: float) -> None:
        if self._timers[id(pace)] == when:
            self._ask(pace)

    def _send(self, pace: Pace, ticket: Ticket) -> None:
        refusal = self.gate.admit(self.tokens)

        def refused() -> None:
            self.refused.append(self.now)
            said = self.gate.headers() if self.says else {}
            if refusal is not None and refusal.wait is not None:
                said |= retry_headers(refusal.wait)
            pace.end(ticket, "refused", self.now, hints=Hints.of(said))
            self._ask(pace)

        def answered() -> None:
            self.answered.append(self.now)
            self.gate.release()
            said = self.gate.headers() if self.says else {}
            pace.end(ticket, "answered", self.now, used=self.tokens, hints=Hints.of(said))
            self._ask(pace)

        if refusal is not None:
            self._at(self.now + REFUSED_AFTER, refused)
        else:
            self._at(self.now + self.latency, answered)
