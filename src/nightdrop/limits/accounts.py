"""Accounts at providers: paused for everybody after a wrong key, an empty account or an outage. The circuit breaker.

Pure but for the clock of its caller: rows are written by `Board`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nightdrop.errors import ProviderRefusedKey, ProviderUnavailable, QuotaExhausted
from nightdrop.store.providers import PAUSED, ProviderPause

AT_ONCE = (ProviderRefusedKey.code, QuotaExhausted.code)
"""What stops every call of an account: one answer is proof."""

OUTAGE_CALLS, OUTAGE_DOCUMENTS = 5, 3
"""So many failures in a row, of so many documents, are no document's fault."""


@dataclass(slots=True)
class Account:
    """What this process knows of one account. pause: as the rows said last."""

    name: str
    pause: ProviderPause | None = None
    probing: bool = False
    _failures: int = 0
    _documents: set[str] = field(default_factory=set)

    def answered(self) -> None:
        """A call was answered, well or badly: the provider is there and takes the key."""
        self._failures = 0
        self._documents.clear()

    def failed(self, code: str, document: str) -> bool:
        """Count a failure; whether it pauses the account."""
        if code in AT_ONCE:
            return True
        if code != ProviderUnavailable.code:
            return False
        self._failures += 1
        self._documents.add(document)
        return self._failures >= OUTAGE_CALLS and len(self._documents) >= OUTAGE_DOCUMENTS

    def is_due(self, now_ms: int) -> bool:
        """Whether one call may try it."""
        return self.pause is not None and self.pause.probe_at is not None and self.pause.probe_at <= now_ms

    def blocks(self, now_ms: int) -> bool:
        """Whether no call may be made, not even one that tries it."""
        return self.pause is not None and not self.is_due(now_ms)


def pause_of(name: str, pauses: Sequence[ProviderPause]) -> ProviderPause | None:
    """The pause of an account among these: its own, or a person's of the whole provider."""
    provider = name.partition("@")[0]
    found = [pause for pause in pauses if pause.name in (name, provider)]
    return max(found, key=lambda pause: pause.code == PAUSED, default=None)
