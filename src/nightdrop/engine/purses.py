"""Budgets in this process: what its attempts' calls count against, and which runs are not worth trying now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nightdrop import clock
from nightdrop.agents import AgentSpec
from nightdrop.errors import BudgetExceeded
from nightdrop.records.budget import Budget, Purse, amount_of
from nightdrop.records.request import Subject
from nightdrop.settings import load_settings
from nightdrop.store.load import Work
from nightdrop.store.reservations import Tally

_KEPT = ("per_batch", "per_day", "database")
_MOST_KEPT = 64  # scopes: the days and batches of long ago are forgotten
_NO_BUDGET = Budget()


class Purses:
    """Lives as long as the engine. `known` is read on the writing thread: it is replaced, never changed."""

    def __init__(self) -> None:
        self.known: Mapping[str, Tally] = {}
        self._shut: dict[tuple[str, str], float] = {}

    def of(self, spec: AgentSpec, work: Work) -> Purse | None:
        """What the calls of this attempt count against, None if nothing bounds them. Raises UsageError."""
        if spec.is_local:
            return None
        said = load_settings().budget_per_day
        purse = Purse(
            run_id=work.run.run_id,
            agent_id=spec.id,
            budget=spec.budget or _NO_BUDGET,
            batch=work.batch,
            database=None if said == "none" else amount_of(said, f"NIGHTDROP_BUDGET_PER_DAY={said!r}"),
        )
        return purse if purse.is_bounded else None

    def learn(self, tallies: Mapping[str, Tally]) -> None:
        """Keep what a committed look has found."""
        found = dict(self.known)
        for scope, tally in tallies.items():
            before = found.pop(scope, None)
            if scope.startswith(_KEPT):
                found[scope] = tally if before is None or before.seen_to <= tally.seen_to else before
        self.known = dict(list(found.items())[-_MOST_KEPT:])

    def wait(self, full: BudgetExceeded, batch_id: str | None) -> None:
        """A run waits for a budget: others that count against it are not tried until that is worth while."""
        key = (batch_id or "") if full.kind == "per_batch" else full.key
        if full.wait_seconds is not None and (key or full.kind == "database"):
            self._shut[full.kind, key] = clock.monotonic() + full.wait_seconds / 2

    def admits(self, subject: Subject) -> bool:
        """Whether runs of this agent are worth trying now."""
        return not ({("per_day", subject.id), ("database", "")} & self._now_shut())

    def shut_batches(self) -> Sequence[str]:
        """Batches whose runs are not worth trying now."""
        return sorted(key for kind, key in self._now_shut() if kind == "per_batch")

    def _now_shut(self) -> set[tuple[str, str]]:
        now = clock.monotonic()
        self._shut = {place: until for place, until in self._shut.items() if until > now}
        return set(self._shut)
