"""The steps of a workflow's run as a tree for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from nightdrop.records.model_call import dollars_text
from nightdrop.records.step import StepResult

_COLUMNS = ["STEP", "KIND", "STATUS", "TRIES", "SECONDS", "COST", "NOTE"]


@dataclass(slots=True)
class _Node:
    """A name in the tree, with the tries that are recorded under its path."""

    tries: list[StepResult] = field(default_factory=list)
    below: dict[str, _Node] = field(default_factory=dict)


def step_table(results: Sequence[StepResult]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: a row for each step, those of a branch or round below it, in the order of recording."""
    root = _Node()
    for result in results:
        node = root
        for name in result.path.split("/"):
            node = node.below.setdefault(name, _Node())
        node.tries.append(result)
    return _COLUMNS, [list(row) for row in _rows(root, 0)]


def _rows(node: _Node, depth: int) -> Iterator[tuple[str, ...]]:
    for name, child in node.below.items():
        yield ("  " * depth + name, *_cells(child.tries))
        yield from _rows(child, depth + 1)


def _cells(tries: Sequence[StepResult]) -> tuple[str, ...]:
    if not tries:
        return ("",) * (len(_COLUMNS) - 1)
    last = tries[-1]
    cost = _cost(tries)
    seconds = sum(one.duration or 0.0 for one in tries)
    return (last.kind, last.status.value, str(len(tries)), f"{seconds:.2f}", cost, _note(last))


def _cost(tries: Sequence[StepResult]) -> str:
    if not any(one.metrics.model_calls for one in tries):
        return ""
    costs = [one.metrics.cost for one in tries]
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
