"""Suspects: runs that were running when processes died. They run alone, so that they take no neighbour with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.engine.desk import Desk
from nightdrop.engine.registry import Registry
from nightdrop.store import attempts as rows

_LOOK_SECONDS = 1.0


class Suspects:
    """Looks, at most once a second, whether suspects wait that this registry can execute.

    quarantine: sees to it that a child of this process runs them, one at a time, watched; None: this process has no
    such child, and runs one only while it has nothing else in hand.
    """

    def __init__(
        self, desk: Desk, registry: Registry, quarantine: Callable[[Sequence[str | None]], None] | None
    ) -> None:
        self._desk = desk
        self._registry = registry
        self._quarantine = quarantine
        self._looked = -_LOOK_SECONDS
        self._found = False

    async def run_here(self, scopes: Sequence[str | None]) -> bool:
        """Whether this process itself has to run suspects now. scopes: batches to look at, None for any."""
        if not self._found and clock.monotonic() - self._looked < _LOOK_SECONDS:
            return False
        self._looked = clock.monotonic()
        self._found = await self._desk.read(lambda c: self._any(c, scopes))
        if self._found and self._quarantine is not None:
            self._quarantine(scopes)
            self._found = False  # it is seen to; look again in a second
        return self._found

    def _any(self, connection: sa.Connection, scopes: Sequence[str | None]) -> bool:
        now = clock.now_ms()
        return any(
            rows.has_queued(connection, subject, now, scope, suspects=True)
            for subject in self._registry
            for scope in scopes
        )
