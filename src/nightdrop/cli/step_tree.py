"""The steps of a workflow's run as a tree for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from nightdrop.records.model_call import dollars_text
from nightdrop.records.open_step import OpenStep
from nightdrop.records.step import StepResult

_COLUMNS = ["STEP", "KIND", "STATUS", "TRIES", "SECONDS", "COST", "NOTE"]


@dataclass(slots=True)
class _Node:
    """A name in the tree, with the tries that are recorded under its path. open: it has not ended."""

    tries: list[StepResult] = field(default_factory=list)
    open: OpenStep | None = None
    below: dict[str, _Node] = field(default_factory=dict)


def step_table(
    results: Sequence[StepResult], open_steps: Sequence[OpenStep], now_ms: int
) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: a row for each step, those of a branch or round below it, in the order of recording.

    Behind what is recorded, what has not ended.
    """
    root = _Node()
    for result in results:
        _place(root, result.path).tries.append(result)
    for step in open_steps:
        _place(root, step.path).open = step
    return _COLUMNS, [list(row) for row in _rows(root, 0, now_ms)]


def _place(root: _Node, path: str) -> _Node:
    for name in path.split("/"):
        root = root.below.setdefault(name, _Node())
    return root


def _rows(node: _Node, depth: int, now_ms: int) -> Iterator[tuple[str, ...]]:
    for name, child in node.below.items():
        yield ("  " * depth + name, *_cells(child.tries, child.open, now_ms))
        yield from _rows(child, depth + 1, now_ms)


def _cells(tries: Sequence[StepResult], still_open: OpenStep | None, now_ms: int) -> tuple[str, ...]:
    last = tries[-1] if tries else None
    seconds = sum(one.duration or 0.0 for one in tries)
    note = "" if last is None else _note(last)
    if still_open is None:
        if last is None:
            return ("",) * (len(_COLUMNS) - 1)
        return (last.kind, last.status.value, str(len(tries)), f"{seconds:.2f}", _cost([*tries]), note)
    begun, since = len(tries), still_open.since
    if still_open.status != "PENDING":
        begun += 1
    if still_open.status == "RUNNING" and since is not None:
        seconds += max(0.0, now_ms / 1000 - since.timestamp())
    cost = _cost([*tries, still_open])
    return (still_open.kind, still_open.status, str(begun or ""), f"{seconds:.2f}" if begun else "", cost, note)


def _cost(tries: Sequence[StepResult | OpenStep]) -> str:
    if not any(one.metrics.model_calls for one in tries):
        return ""
    costs = [one.metrics.cost for one in tries if one.metrics.model_calls]
    return "unknown" if None in costs else f"${dollars_text(sum((c for c in costs if c), start=Decimal()))}"


def _note(result: StepResult) -> str:
    if result.error is not None:
        return str(result.error)
    detail = dict(result.detail or {})
    failed = [check["rule"] for check in detail.pop("checks", ()) if not check["passed"]]
    said = ", ".join(f"{name}: {_word(value)}" for name, value in detail.items())
    if failed:
        said = f"{said}, failed checks: {', '.join(failed)}".removeprefix(", ")
    return f"{said}, stop".removeprefix(", ") if result.stop else said


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
