"""Hidden limits: requests and tokens per minute as token buckets, and calls at the same time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from nightdrop.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the provider allows; None means no limit.

    Requests and tokens refill evenly at their rate per minute; `window_seconds` is how much of that may be used in
    one burst (60: a whole minute at once, 1: nearly even). `retry_after` is what a concurrency refusal asks to wait.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    window_seconds: float = 60.0
    retry_after: float = 1.0

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute", "concurrency", "window_seconds"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
                raise UsageError(f"limit {name} must be a number above 0, not {value!r}")

    @classmethod
    def from_json(cls, data: object) -> Limits:
        """Limits from JSON data with the same names."""
        known = {item.name for item in fields(cls)}
        if not isinstance(data, Mapping) or not set(data) <= known:
            raise UsageError(f"limits are an object with any of {', '.join(sorted(known))}")
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """The limits as JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a call is not admitted. wait: seconds until it would be; None: never, it is larger than the limit."""

    by: str
    message: str
    wait: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left of one limit, as headers tell it. reset_seconds: until it is whole again."""

    limit: int
    remaining: int
    reset_seconds: float


class Bucket:
    """A token bucket that starts full. It may be overdrawn, then it has to refill first."""

    def __init__(self, per_minute: int, window_seconds: float, now: float) -> None:
        self.rate = per_minute / 60
        self.capacity = max(1.0, self.rate * window_seconds)
        self.limit = per_minute
        self._level = self.capacity
        self._at = now

    def level(self, now: float) -> float:
        """How much could be taken at this moment."""
        self._level = min(self.capacity, self._level + max(0.0, now - self._at) * self.rate)
        self._at = now
        return self._level

    def take(self, amount: float) -> None:
        """Take it, even when that overdraws."""
        self._level -= amount

    def wait_for(self, amount: float, now: float) -> float:
        """Seconds until `amount` can be taken; 0 when it can be now."""
        return max(0.0, (amount - self.level(now)) / self.rate)

    def reset_in(self, now: float) -> float:
        """Seconds until the bucket is full again."""
        return (self.capacity - self.level(now)) / self.rate


class Gate:
    """Admits or refuses calls by `limits`, and writes the headers that tell the client."""

    def __init__(self, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.running = 0
        self.change(limits)

    def change(self, limits: Limits) -> None:
        """Use other limits from now on: buckets start full, running calls stay counted."""
        now = self._monotonic()
        self.limits = limits
        window = limits.window_seconds
        requests, tokens = limits.requests_per_minute, limits.tokens_per_minute
        self._requests = None if requests is None else Bucket(requests, window, now)
        self._tokens = None if tokens is None else Bucket(tokens, window, now)

    def admit(self, tokens: int) -> Refusal | None:
        """Take one request and its input tokens, or say why not. After None, `release` must follow."""
        refusal = self._concurrency() or self._bucket("requests", self._requests, 1)
        refusal = refusal or self._bucket("tokens", self._tokens, tokens)
        if refusal is not None:
            return refusal
        if self._requests is not None:
            self._requests.take(1)
        self.spend(tokens)
        self.running += 1
        return None

    def spend(self, tokens: int) -> None:
        """Count more tokens (of the answer) against the limit; they may overdraw it."""
        if self._tokens is not None:
            self._tokens.level(self._monotonic())
            self._tokens.take(tokens)

    def release(self) -> None:
        """An admitted call is over."""
        self.running -= 1

    def left(self) -> dict[str, Left]:
        """What is left of `requests` and `tokens`, for those limits that are set."""
        now = self._monotonic()
        buckets = {"requests": self._requests, "tokens": self._tokens}
        return {
            name: Left(
                limit=bucket.limit,
                remaining=max(0, math.floor(bucket.level(now) + 1e-9)),
                reset_seconds=bucket.reset_in(now),
            )
            for name, bucket in buckets.items()
            if bucket is not None
        }

    def headers(self) -> dict[str, str]:
        """`x-ratelimit-*` in OpenAI's form, for those limits that are set."""
        found: dict[str, str] = {}
        for name, left in self.left().items():
            found[f"x-ratelimit-limit-{name}"] = str(left.limit)
            found[f"x-ratelimit-remaining-{name}"] = str(left.remaining)
            found[f"x-ratelimit-reset-{name}"] = duration(left.reset_seconds)
        return found

    def _concurrency(self) -> Refusal | None:
        most = self.limits.concurrency
        if most is None or self.running < most:
            return None
        message = f"Rate limit reached: {most} concurrent requests"
        return Refusal(by="concurrency", message=message, wait=self.limits.retry_after)

    def _bucket(self, name: str, bucket: Bucket | None, amount: int) -> Refusal | None:
        if bucket is None:
            return None
        if amount > bucket.capacity:
            message = f"Request too large: limit {bucket.limit} {name} per min, requested {amount}"
            return Refusal(by=name, message=message, wait=None)
        wait = bucket.wait_for(amount, self._monotonic())
        if wait <= 1e-9:
            return None
        message = f"Rate limit reached for {name} per min: limit {bucket.limit}. Please try again in {duration(wait)}."
        return Refusal(by=name, message=message, wait=wait)


def retry_headers(seconds: float) -> dict[str, str]:
    """`retry-after` in whole seconds (rounded up) and `retry-after-ms`."""
    return {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(math.ceil(seconds * 1000))}


def duration(seconds: float) -> str:
    """Seconds as OpenAI writes them: `120ms`, `1s`, `59.95s`, `6m0s`, `1h0m0s`."""
    ms = max(0, math.ceil(seconds * 1000 - 1e-6))
    if 0 < ms < 1000:
        return f"{ms}ms"
    minutes, rest = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
