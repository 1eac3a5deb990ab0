"""So many per minute: a token bucket that learns from what the provider says is left. Pure: time is an argument."""

from __future__ import annotations

from nightdrop.limits.headers import Allowance

_BURST_SECONDS = 0.25


class Bucket:
    """Requests or tokens per minute. per_minute None: no limit is known.

    fixed: what the user said, kept to within any minute; else the provider's own, of which a whole minute may be
    used at once. share: the part of it that is this process's, 0 to 1.
    """

    def __init__(self, per_minute: float | None, now: float, *, fixed: bool) -> None:
        self.per_minute = per_minute
        self.fixed = fixed
        self.share = 1.0
        self._level = self._capacity
        self._at = now

    @property
    def _burst(self) -> float:
        return max(1.0, (self.per_minute or 0) / 60 * _BURST_SECONDS * self.share)

    @property
    def _capacity(self) -> float:
        if self.per_minute is None:
            return 0.0
        return self._burst if self.fixed else self.per_minute * self.share

    @property
    def _rate(self) -> float:
        """Per second. A fixed one leaves room for its burst, so that no minute has more than was said."""
        per_minute = (self.per_minute or 0) * self.share
        return (max(per_minute - self._burst, per_minute * 0.95) if self.fixed else per_minute) / 60

    def wait(self, amount: float, now: float) -> float:
        """Seconds until so much may be used; what is larger than the whole may go when it is full."""
        if self.per_minute is None:
            return 0.0
        self._refill(now)
        missing = min(amount, self._capacity) - self._level
        if missing <= 1e-9:
            return 0.0
        return missing / self._rate if self._rate > 0 else 60.0

    def take(self, amount: float, now: float) -> None:
        """Use it, even when that overdraws; less than nothing gives back."""
        if self.per_minute is not None:
            self._refill(now)
            self._level -= amount

    def learn(self, said: Allowance, under_way: float, now: float) -> None:
        """What an answer said is left; under_way: what calls that the provider may not have seen yet will use."""
        if self.fixed:
            return
        if self.per_minute != said.limit:
            fresh = self.per_minute is None
            self.per_minute = float(said.limit)
            self._level = said.remaining * self.share - under_way if fresh else min(self._level, self._capacity)
            self._at = now
        self._refill(now)
        most = said.remaining * self.share
        self._level = min(max(self._level, most - under_way), most)

    def resize(self, share: float, now: float) -> None:
        """From now on another part of it is this process's."""
        if abs(share - self.share) < 1e-6:
            return
        self._refill(now)
        level = self._level * share / self.share if self.share > 0 and not self.fixed else self._level
        self.share = share
        self._level = min(level, self._capacity)

    def empty(self, now: float) -> None:
        """The provider says that nothing is left."""
        self._refill(now)
        self._level = min(self._level, 0.0)

    def _refill(self, now: float) -> None:
        self._level = min(self._capacity, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now
