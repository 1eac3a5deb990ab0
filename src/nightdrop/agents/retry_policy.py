"""The retry policy: one table says, for each way a model call ends, whether it is made again, and when."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from nightdrop.errors import (
    AnswerInvalid,
    AnswerRefused,
    AnswerTruncated,
    DocumentNotSent,
    DocumentTooLong,
    ModelFailed,
    ModelNotFound,
    NightdropError,
    ProviderOverloaded,
    ProviderPaused,
    ProviderRefusedKey,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    RequestRejected,
    StorageFailed,
)

ANSWERED, CANCELLED = "answered", "cancelled"
"""Outcomes of a call that are no failures: the answer came, or the process let go of the call."""

LONG_WAIT_SECONDS = 5.0
"""Waits up to this long are slept through; longer ones are a delayed re-enqueue, so that no worker sleeps."""

MOST_SHORT_WAITS = 30
"""So many short rate-limit waits in a row give the place to another document as well."""

_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What follows a failed call. spends: it uses up one of the attempt's `1 + retries` calls.

    again: `at_once` (an invalid answer goes back with what is wrong with it), `after_backoff`, or `never`. elsewhere:
    it says nothing of the document, only that this provider cannot answer now: the agent's next model is asked at once.
    """

    again: Literal["at_once", "after_backoff", "never"]
    spends: bool = True
    elsewhere: bool = False


RULES: dict[str, Rule] = {
    AnswerInvalid.code: Rule(again="at_once"),
    ProviderUnavailable.code: Rule(again="after_backoff", elsewhere=True),
    RateLimited.code: Rule(again="after_backoff", spends=False),
    ProviderOverloaded.code: Rule(again="after_backoff", spends=False, elsewhere=True),
    ProviderPaused.code: Rule(again="after_backoff", spends=False, elsewhere=True),
    QuotaExhausted.code: Rule(again="never", spends=False, elsewhere=True),
    AnswerTruncated.code: Rule(again="never"),
    AnswerRefused.code: Rule(again="never"),
    ProviderRefusedKey.code: Rule(again="never", spends=False, elsewhere=True),
    ModelNotFound.code: Rule(again="never"),
    RequestRejected.code: Rule(again="never"),
    DocumentNotSent.code: Rule(again="never"),
    DocumentTooLong.code: Rule(again="never"),
    ModelFailed.code: Rule(again="never"),
}
"""By error code. A code that is not here is never tried again."""

_UNKNOWN = Rule(again="never")


class Postponed(Exception):
    """The next call of this attempt is due in `seconds`: too long to sleep, so the run goes back to the queue.

    waits_for: the paused provider, which may be resumed before, or the budget.
    """

    def __init__(self, seconds: float, because: NightdropError, *, waits_for: str | None = None) -> None:
        self.seconds = seconds
        self.waits_for = waits_for
        self.because = because
        super().__init__(f"to be tried again in {seconds:.1f} s: {because}")


def rule_for(code: str) -> Rule:
    """The rule of an error code."""
    return RULES.get(code, _UNKNOWN)


def spends(outcome: str) -> bool:
    """Whether a recorded call with this outcome used up one of the attempt's calls."""
    return outcome not in (ANSWERED, CANCELLED, StorageFailed.code) and rule_for(outcome).spends


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, with jitter, bounded."""
    doubled = _BACKOFF_SECONDS * 2.0 ** min(failures, 16)
    return min(doubled, _LONGEST_BACKOFF_SECONDS) * (0.5 + random.random() / 2)
