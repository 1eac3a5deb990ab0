"""One owner of retries: at most 1 + retries calls of an attempt fail, in whichever process; a 429 spends none."""

from __future__ import annotations

import asyncio
from itertools import takewhile

from nightdrop import clock
from nightdrop.agents.retry_policy import LONG_WAIT_SECONDS, MOST_SHORT_WAITS, Postponed, backoff, rule_for, spends
from nightdrop.errors import ModelFailed, ProviderOverloaded, ProviderPaused, ProviderUnavailable, RateLimited
from nightdrop.ledger.log import CallLog
from nightdrop.records.model_call import PastCall
from nightdrop.settings import load_settings

_TOLD_TO_WAIT = (RateLimited.code, ProviderOverloaded.code)


class Tries:
    """How many failed calls an attempt has left. Calls recorded before it was postponed or taken over count."""

    def __init__(self, retries: int, log: CallLog) -> None:
        failed = [call for call in log.past if spends(call.outcome)]
        refused = list(takewhile(lambda call: call.outcome in _TOLD_TO_WAIT, reversed(log.past)))
        self.left = 1 + retries - len(failed)
        self._failed = len(failed)
        self._refused = len(refused)  # in a row, without another outcome in between
        self._refused_since = refused[-1].at if refused else None
        self._short_waits = 0
        if self.left <= 0:
            raise _spent(failed[-1])

    async def after(self, failure: ModelFailed, *, send_back: bool = True) -> None:
        """Count a failure and return when the next call may be made, or raise the failure when there is none left.

        Raises Postponed when the wait is long. send_back: an invalid answer may go back to the model.
        """
        self.count(failure)
        await self.wait(failure, send_back=send_back)

    def count(self, failure: ModelFailed) -> None:
        """Count a failure; raises it when no call is left."""
        if isinstance(failure, RateLimited | ProviderOverloaded | ProviderPaused):
            return
        self._failed += 1
        self._refused, self._refused_since = 0, None
        self.spend(rule_for(failure.code).spends, failure)

    def spend(self, calls: int, failure: ModelFailed) -> None:
        """Have so many calls less; raises the failure when none is left."""
        self.left -= calls
        if self.left <= 0:
            raise failure

    async def wait(self, failure: ModelFailed, *, send_back: bool = True) -> None:
        """Return when the next call may be made after a counted failure, or raise it when that cannot help."""
        if isinstance(failure, RateLimited | ProviderOverloaded):
            await self._wait_for_rate(failure)
            return
        if isinstance(failure, ProviderPaused):
            if failure.provider is None or failure.retry_after is None:
                raise failure.plain or failure
            await _wait(failure.retry_after, failure, waits_for=failure.provider)
            return
        rule = rule_for(failure.code)
        if rule.again == "never" or (rule.again == "at_once" and not send_back):
            raise failure
        if rule.again == "after_backoff":
            wait = failure.retry_after if failure.retry_after is not None else backoff(self._failed)
            if wait > load_settings().rate_limit_patience_hours * 3600:
                raise failure  # nobody waits that long: a person may try again
            await _wait(wait, failure)

    async def _wait_for_rate(self, failure: RateLimited | ProviderOverloaded) -> None:
        now = clock.now_ms()
        self._refused += 1
        self._short_waits += 1
        self._refused_since = now if self._refused_since is None else self._refused_since
        wait = failure.retry_after if failure.retry_after is not None else backoff(self._refused)
        patience_hours = load_settings().rate_limit_patience_hours
        waited = (now - self._refused_since) / 1000
        if waited + wait > patience_hours * 3600:
            raise type(failure)(
                f"{failure.message} (told to wait for {waited / 3600:.1f} hours, {self._refused} times in a row; "
                f"NIGHTDROP_RATE_LIMIT_PATIENCE_HOURS is {patience_hours})"
            )
        if self._short_waits >= MOST_SHORT_WAITS:
            raise Postponed(max(wait, LONG_WAIT_SECONDS), failure)
        await _wait(wait, failure)


async def _wait(seconds: float, failure: ModelFailed, *, waits_for: str | None = None) -> None:
    if seconds > LONG_WAIT_SECONDS or waits_for is not None:
        raise Postponed(seconds, failure, waits_for=waits_for)
    await asyncio.sleep(seconds)


def _spent(last: PastCall) -> ModelFailed:
    """The failure that an earlier process saw last and did not live to store."""
    failure = ModelFailed(f"every try failed, the last with {last.outcome}")
    failure.code, failure.retryable = last.outcome, last.outcome == ProviderUnavailable.code
    return failure
