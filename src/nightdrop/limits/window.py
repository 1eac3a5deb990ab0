"""How many calls at a time: climbs until it is refused, stays at what was accepted, asks for more ever more rarely.

Pure: time is an argument, in seconds on any clock that does not go back.
"""

from __future__ import annotations

FIRST = 4.0
LEAST = 0.25
_MOST = 4096.0
_LEAST_PATIENCE_SECONDS, _PATIENCE_SECONDS, _LONGEST_PATIENCE_SECONDS = 0.5, 2.0, 25.0
_CALLS_PER_REFUSAL = 400
_LEAN = 0.1  # of the way, at each renewal


class Window:
    """The number of calls that may be under way. `limit` may be below 1: then calls pause between each other."""

    def __init__(self, start: float = FIRST, ceiling: float | None = None) -> None:
        self.limit = max(LEAST, start)
        self.ceiling = ceiling  # where it was last refused, None: never
        self._given = 0  # questions in a row that went well
        self._patience = _PATIENCE_SECONDS
        self._asks = False  # the last place more was asked for, and not given yet
        self._probed_at = float("-inf")
        self._latency = 0.5

    @property
    def latency(self) -> float:
        """How long a call takes, in seconds."""
        return self._latency

    def begin_at(self, limit: float) -> None:
        """Begin where others came to."""
        self.limit = self.ceiling = max(self.limit, min(limit, _MOST))

    def lean(self, fair: float) -> None:
        """Come nearer to an even part of what all processes have, so that none is left with nothing."""
        if self.ceiling is not None:
            by = _LEAN * (fair - self.limit)
            self.limit = max(LEAST, min(self.limit + by, _MOST))
            self.ceiling = max(1.0, self.ceiling + by)

    def answered(self, started: float, now: float, in_flight: int) -> None:
        """A call that began at `started` was answered; in_flight: how many were under way with it."""
        self._latency += 0.1 * (max(0.001, now - started) - self._latency)
        if self.limit < 1:
            self.limit = min(1.0, self.limit * 1.2)
        elif in_flight < self.limit * 0.9 - 1:
            return  # nobody needs more
        elif self.ceiling is None or self.limit < self.ceiling - max(1.0, 0.05 * self.ceiling):
            self._grow(1.0)
            self._probed_at = now
        else:
            self._probe(now)

    def refused(self, now: float, accepted: int) -> None:
        """A call was refused while `accepted` others were under way: its place is one too many.

        Of several that were sent together each lowers it by one, down to what the provider really took.
        """
        if self._asks:
            longest = max(_PATIENCE_SECONDS, _CALLS_PER_REFUSAL * self._latency / max(1.0, self.limit))
            self._patience = min(max(self._patience, _PATIENCE_SECONDS) * 2, longest, _LONGEST_PATIENCE_SECONDS)
        self._asks = False
        self._given = 0
        self._probed_at = now
        base = min(self.limit, max(self.limit - 1, float(accepted))) if accepted else self.limit / 2
        self.limit = max(LEAST, base)
        self.ceiling = max(1.0, base)

    def _grow(self, by: float) -> None:
        self.limit = min(_MOST, self.limit + by)

    def _probe(self, now: float) -> None:
        """At the ceiling: one more place now and then; when that goes well twice, sooner and twice as many each time.

        One place may be what another process has just lost; two mean that there is room.
        """
        if now - self._probed_at < max(2 * self._latency, self._patience):
            return
        if self._asks:
            self._given += 1
            self._patience = max(self._patience / 4, _LEAST_PATIENCE_SECONDS)
        step = min(2.0 ** max(0, self._given - 1), max(1.0, self.limit / 2))
        self._asks = True
        self._probed_at = now
        self._grow(step)
        self.ceiling = self.limit
