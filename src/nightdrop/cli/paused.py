"""Telling, while a batch runs, that a provider is paused or a budget used up, and that it goes on."""

from __future__ import annotations

from nightdrop import clock
from nightdrop.errors import StorageFailed
from nightdrop.store import Database
from nightdrop.store.reservations import used_up

_LOOK_SECONDS = 1.0


class Paused:
    """Looks once a second; each pause and each budget is news once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: set[str] = set()
        self._budgets: set[str] = set()
        self._looked = -_LOOK_SECONDS

    def news(self) -> list[str]:
        """What to tell now, mostly nothing."""
        if clock.monotonic() - self._looked < _LOOK_SECONDS:
            return []
        self._looked = clock.monotonic()
        try:
            pauses = {pause.name: pause for pause in self._db.providers.list()}
            with self._db.read() as connection:
                budgets = used_up(connection, clock.now_ms())
        except StorageFailed:
            return []  # whoever writes will say it
        begun = [
            f"{pause.provider} is paused ({pause.code}: {pause.message}): documents wait or go to a fallback model, "
            f"nothing is lost. It is tried again by itself, or: nightdrop providers resume {pause.provider}"
            for name, pause in pauses.items()
            if name not in self._known
        ]
        over = [f"{name.partition('@')[0]} is asked again" for name in sorted(self._known - set(pauses))]
        self._known = set(pauses)
        full = [f"{name} is used up for now: documents wait" for name in budgets if name not in self._budgets]
        self._budgets |= set(budgets)
        return begun + over + full
