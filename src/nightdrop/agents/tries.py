"""One owner of retries: at most 1 + retries calls of an attempt fail; a 429 is not a failure and spends none."""

from __future__ import annotations

import asyncio
import random

from nightdrop.agents.recorded_model import ANSWERED
from nightdrop.errors import AnswerInvalid, ModelFailed, ProviderUnavailable, RateLimited
from nightdrop.ledger.log import CallLog
from nightdrop.records.model_call import PastCall

PATIENCE_SECONDS = 5.0
"""Rate-limit waits up to this long are spent here; longer ones give the place to another document."""

_MOST_429_IN_A_ROW = 30
_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF = 30.0


class Tries:
    """How many failed calls an attempt has left. Calls an earlier process made of the same attempt count."""

    def __init__(self, retries: int, log: CallLog) -> None:
        failed = [c for c in log.past if c.outcome not in (ANSWERED, RateLimited.code, "cancelled")]
        self.left = 1 + retries - len(failed)
        self._failed = len(failed)
        self._limited = 0
        if self.left <= 0:
            raise _spent(failed[-1])

    async def after(self, failure: ModelFailed, *, send_back: bool = True) -> None:
        """Count a failure and wait before the next call, or raise it when there is none left.

        send_back: an invalid answer may go back to the model at once.
        """
        if isinstance(failure, RateLimited):
            await self._wait_for_rate(failure)
            return
        self.left -= 1
        self._failed += 1
        if isinstance(failure, AnswerInvalid) and send_back and self.left > 0:
            return
        if self.left <= 0 or not failure.retryable:
            raise failure
        await asyncio.sleep(failure.retry_after or _backoff(self._failed))

    async def _wait_for_rate(self, failure: RateLimited) -> None:
        self._limited += 1
        wait = failure.retry_after if failure.retry_after is not None else _backoff(self._limited)
        if wait > PATIENCE_SECONDS or self._limited >= _MOST_429_IN_A_ROW:
            raise RateLimited(failure.message, retry_after=max(wait, 1.0))
        await asyncio.sleep(wait)


def _spent(last: PastCall) -> ModelFailed:
    """The failure that an earlier process saw last and did not live to store."""
    failure = ModelFailed(f"every try failed, the last with {last.outcome}")
    failure.code, failure.retryable = last.outcome, last.outcome == ProviderUnavailable.code
    return failure


def _backoff(step: int) -> float:
    """Seconds: doubling, with jitter, bounded."""
    return float(min(_BACKOFF_SECONDS * 2**step, _LONGEST_BACKOFF) * (0.5 + random.random() / 2))
