"""The steps of an open run that have not ended: which are at work, which asks, which come later.

Told from what is recorded and from the workflow's shape, as the walk through it would find it: nothing is written when
a step begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from nightdrop.clock import iso
from nightdrop.records.metrics import RunMetrics
from nightdrop.records.step import StepResult, StepStatus

OpenStatus = Literal["RUNNING", "PAUSED", "PENDING"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStep:
    """A step, or a decision, that an open run has not recorded.

    status: RUNNING: all before it has ended, and a process has the run (in a Parallel with max_concurrency it may wait
    for its place). PAUSED: it asks a person. PENDING: it comes later. What a decision chooses between is not told
    before it is made. since: when what was before it had ended. metrics: of its model calls so far.
    """

    path: str
    kind: str
    status: OpenStatus
    since: datetime | None = None
    number: int = 1
    metrics: RunMetrics = field(default_factory=RunMetrics)

    @property
    def name(self) -> str:
        """The last name of the path."""
        return self.path.rpartition("/")[2]

    def to_json(self) -> dict[str, Any]:
        """The plain form."""
        return {
            "path": self.path,
            "kind": self.kind,
            "status": self.status,
            "number": self.number,
            "metrics": self.metrics.to_json(),
            "since": iso(self.since),
        }


@dataclass(frozen=True, slots=True)
class _End:
    """How far a part of the walk has come. at: when its last record was made."""

    is_over: bool
    stop: bool = False
    at: datetime | None = None


def open_steps(
    shape: Mapping[str, Any],
    results: Sequence[StepResult],
    *,
    is_running: bool,
    asks: str | None = None,
    since: datetime | None = None,
) -> list[OpenStep]:
    """Of a workflow of this shape with these records. asks: the path of the step that a paused run asks about."""
    walk = _Walk(results, "RUNNING" if is_running else "PENDING", asks)
    walk.sequence(shape["steps"], "", _End(True, at=since))
    return walk.found


class _Walk:
    """Through a shape, as the interpreter goes through its nodes."""

    def __init__(self, results: Sequence[StepResult], at_work: OpenStatus, asks: str | None) -> None:
        self._last = {result.path: result for result in results}
        self._at_work = at_work
        self._asks = asks
        self.found: list[OpenStep] = []

    def sequence(self, nodes: Sequence[Mapping[str, Any]], base: str, before: _End) -> _End:
        """One after the other; what is behind a node that is not over comes later."""
        for node in nodes:
            before = self._node(node, f"{base}/{node['name']}" if base else node["name"], before)
            if before.stop:
                break
        return before

    def _node(self, node: Mapping[str, Any], path: str, before: _End) -> _End:
        kind = node["kind"]
        recorded = self._last.get(path)
        if kind in ("agent", "function"):
            return self._leaf(path, kind, recorded, before)
        if recorded is not None and recorded.status is StepStatus.SKIPPED:
            return _End(before.is_over, at=recorded.completed_at)
        if kind == "parallel":
            return _joined(before, [self._node(child, f"{path}/{child['name']}", before) for child in node["steps"]])
        if kind == "loop":
            return self._loop(node, path, recorded, before)
        if kind in ("condition", "router"):
            if recorded is None:
                return self._open(path, kind, before)
            return self.sequence(_chosen(node, recorded.detail or {}), path, before)
        return self._asked(path, self.sequence(node["steps"], path, before), before)

    def _leaf(self, path: str, kind: str, recorded: StepResult | None, before: _End) -> _End:
        if recorded is None or recorded.status is StepStatus.ERROR:
            return self._open(path, kind, before, number=1 if recorded is None else recorded.number + 1)
        return _End(before.is_over, recorded.stop, recorded.completed_at)

    def _loop(self, node: Mapping[str, Any], path: str, recorded: StepResult | None, before: _End) -> _End:
        if recorded is not None:
            ended = (recorded.detail or {}).get("ended")
            return _End(before.is_over, ended == "stop", recorded.completed_at)
        place = path
        for place in self._rounds(node, path):
            before = self.sequence(node["steps"], place, before)
            if not before.is_over:
                return before
            decided = self._last.get(place)
            before = before if decided is None else _End(True, at=decided.completed_at)
        return self._open(place if place == self._asks else path, "loop", before)

    def _rounds(self, node: Mapping[str, Any], path: str) -> Iterator[str]:
        """The rounds that have begun, and the one that begins now."""
        for number in range(1, int(node["max_iterations"]) + 1):
            place = f"{path}[{number}]"
            decided = self._last.get(f"{path}[{number - 1}]")
            goes_on = not node["has_end_condition"] or (decided is not None and not (decided.detail or {}).get("end"))
            if number > 1 and not goes_on and not any(known.startswith(f"{place}/") for known in self._last):
                return
            yield place

    def _asked(self, path: str, end: _End, before: _End) -> _End:
        """A workflow that failed as a step, about which a person is asked."""
        if path == self._asks and not end.is_over:
            return self._open(path, "workflow", before)
        return end

    def _open(self, path: str, kind: str, before: _End, number: int = 1) -> _End:
        status = self._at_work if before.is_over else "PENDING"
        self.found.append(
            OpenStep(
                path=path,
                kind=kind,
                status="PAUSED" if path == self._asks else status,
                since=before.at if before.is_over else None,
                number=number,
            )
        )
        return _End(False)


def _joined(before: _End, ends: Sequence[_End]) -> _End:
    """Behind branches: over when all are."""
    moments = [end.at for end in ends if end.at is not None]
    is_over = all(end.is_over for end in ends)
    return _End(is_over, is_over and any(end.stop for end in ends), max(moments, default=before.at))


def _chosen(node: Mapping[str, Any], detail: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The nodes that a recorded decision leads to."""
    if node["kind"] == "condition":
        return list(node["steps"] if detail.get("met") else node["else_steps"])
    by_name = {child["name"]: child for child in node["steps"]}
    return [by_name[name] for name in detail.get("chosen", ()) if name in by_name]
