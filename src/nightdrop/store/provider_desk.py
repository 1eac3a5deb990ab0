"""`db.providers`: which providers are paused, and what was found out about their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import ProviderNotPaused, UsageError
from nightdrop.store import providers as rows
from nightdrop.store.providers import ProviderPause
from nightdrop.store.rates import limits_in_use

if TYPE_CHECKING:
    from nightdrop.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitInUse:
    """One limit. key: `provider:model@credential`. concurrency: calls at a time that all processes came to. demand:
    calls under way and waiting in `processes` processes."""

    key: str
    concurrency: float
    processes: int
    demand: int

    def to_json(self) -> dict[str, Any]:
        """As `nightdrop providers --json` prints it."""
        return {
            "key": self.key,
            "concurrency": round(self.concurrency, 1),
            "processes": self.processes,
            "demand": self.demand,
        }


class Providers:
    """Looks at and steers the providers of one database, from any process."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def list(self) -> Sequence[ProviderPause]:
        """Those that are paused, with how many runs they have put back."""
        with self._db.read() as connection:
            return rows.list_pauses(connection, counted=True)

    def limits(self) -> Sequence[LimitInUse]:
        """Limits that processes have used lately, or that were learned."""
        with self._db.read() as connection:
            return [LimitInUse(**row) for row in limits_in_use(connection)]

    def pause(self, name: str, reason: str = "paused by hand") -> None:
        """Make no call of a provider (`openai`), or of one key of it (`openai@1f0c9a7d2b44`), until it is resumed."""
        if not name or ":" in name:
            raise UsageError(f"{name!r}: a provider is named without a model, such as openai")
        self._db.transact(partial(rows.pause_by_hand, name=name, message=reason, now_ms=clock.now_ms()))

    def resume(self, name: str) -> int:
        """Ask it again at once; returns how many runs waited. Raises ProviderNotPaused when it was not paused."""

        def commit(connection: sa.Connection) -> int | None:
            names = rows.names_like(connection, name)
            freed = [rows.close_pause(connection, found, by_hand=True) for found in names]
            return sum(count or 0 for count in freed) if names else None

        freed = self._db.transact(commit)
        if freed is None:
            raise ProviderNotPaused(f"{name!r} is not paused in {self._db.label}")
        return freed
