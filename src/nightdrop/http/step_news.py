"""The events of a workflow's steps: which begin, and how each ended.

They are made of the run's records alone, in an order that every process makes alike: so their number is enough to go on
behind the last one that a client has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nightdrop.records.open_step import open_steps
from nightdrop.records.step import StepResult


class StepNews:
    """Of one attempt of a run, as one connection is told them."""

    def __init__(self) -> None:
        self._known: list[StepResult] = []
        self._keys: set[tuple[int, str, int]] = set()
        self._begun: set[str] = set()

    def made_of(
        self, results: Sequence[StepResult], plan: Mapping[str, Any] | None, *, is_running: bool
    ) -> list[dict[str, Any]]:
        """The events of records that were not given before. plan: None: it is not known what begins."""
        events: list[dict[str, Any]] = []
        for result in results:
            key = (result.attempt, result.path, result.number)
            if key not in self._keys:
                events += [*self._begins(plan), _ended(result)]
                self._keys.add(key)
                self._known.append(result)
        return [*events, *self._begins(plan)] if is_running else events

    def _begins(self, plan: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        """Steps that are at work now and were not before; that a try follows another is told when it has ended."""
        found = [] if plan is None else open_steps(plan, self._known, is_running=True)
        new = [s for s in found if s.status == "RUNNING" and s.number == 1 and s.path not in self._begun]
        self._begun.update(step.path for step in new)
        return [{"path": s.path, "kind": s.kind, "status": s.status, "number": s.number} for s in new]


def _ended(result: StepResult) -> dict[str, Any]:
    return {
        "path": result.path,
        "kind": result.kind,
        "status": result.status.value,
        "number": result.number,
        "error": None if result.error is None else result.error.to_json(),
        "duration": result.duration,
    }
