"""Looking a workflow over before anything runs: what will surprise, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from nightdrop.workflows.nodes import Condition, Loop, Node, Router, Step
from nightdrop.workflows.spec import WorkflowSpec, children_of

Kind = Literal["duplicate_name", "never_reached", "unknown_choice", "unknown_label", "endless_loop", "no_return_type"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to look at. is_problem: it will not do what it says; else it is worth knowing."""

    path: str
    kind: Kind
    message: str
    is_problem: bool = True

    def to_json(self) -> dict[str, Any]:
        """The plain form."""
        return {"path": self.path, "kind": self.kind, "message": self.message, "is_problem": self.is_problem}


def inspect(spec: WorkflowSpec) -> list[Finding]:
    """Everything that is found, in the order of the nodes; unknown labels and duplicate names last."""
    nodes = list(_walk(spec.root.steps, ""))
    found = [finding for path, node in nodes for finding in _of(path, node)]
    return found + _labels(nodes) + _duplicates(nodes)


def _walk(nodes: tuple[Node, ...], path: str) -> Iterator[tuple[str, Node]]:
    for node in nodes:
        place = f"{path}/{node.name}" if path else node.name
        yield place, node
        yield from _walk(children_of(node), place)


def _of(path: str, node: Node) -> Iterator[Finding]:
    if isinstance(node, Condition) and isinstance(node.evaluator, bool):
        taken, other = ("steps", "else_steps") if node.evaluator else ("else_steps", "steps")
        if node.else_steps or not node.evaluator:
            yield Finding(
                path=path,
                kind="never_reached",
                message=f"its evaluator is always {node.evaluator}: {taken} run, {other} never do",
            )
    elif isinstance(node, Router):
        yield from _routes(path, node)
    elif isinstance(node, Loop) and node.end_condition is None:
        yield Finding(
            path=path,
            kind="endless_loop",
            message=f"it has no end_condition: all {node.max_iterations} rounds are made",
            is_problem=False,
        )
    elif isinstance(node, Step) and node.content is not None and not node.content.is_declared:
        yield Finding(
            path=path,
            kind="no_return_type",
            message="its function says no return type: what it returns must be JSON data, and comes back as that",
            is_problem=False,
        )


def _routes(path: str, node: Router) -> Iterator[Finding]:
    """A selector that says in its signature which names it picks is held to the choices."""
    said = _literals(node.selector)
    if not said:
        return
    choices = {choice.name for choice in node.choices}
    for name in sorted(choices - said):
        yield Finding(
            path=f"{path}/{name}", kind="never_reached", message="the selector's return type does not have it"
        )
    for name in sorted(said - choices):
        yield Finding(path=path, kind="unknown_choice", message=f"its selector may pick {name!r}, which is no choice")


def _literals(function: Any) -> set[str]:
    """The texts in a return type such as `Literal["a", "b"]` or `list[Literal[...]]`, none where it has no such one; of
    an object that is called: in its `returns`."""
    try:
        hint = getattr(function, "returns", None) or get_type_hints(function).get("return")
    except (NameError, TypeError):
        return set()
    if get_origin(hint) is list:
        (hint,) = get_args(hint)
    return {str(name) for name in get_args(hint)} if get_origin(hint) is Literal else set()


def _labels(nodes: list[tuple[str, Node]]) -> list[Finding]:
    """Agents that are asked about documents of a label that no step gives, where it is known which are given: a step
    says by `labels_behind` what labels there are behind it, None: any."""
    steps = [(path, node) for path, node in nodes if isinstance(node, Step)]
    known: set[str] = set()
    last: Sequence[str] | None = None
    for _, step in steps:
        behind = getattr(step.executor, "labels_behind", None)
        last = None if behind is None else behind(last)
        if behind is not None and last is None:
            return []
        known.update(last or ())
    return [
        Finding(
            path=path,
            kind="unknown_label",
            message=f"its documents are those labelled {step.files!r}; the labels are {', '.join(sorted(known))}",
            is_problem=False,
        )
        for path, step in steps
        if known and isinstance(step.files, str) and step.files not in known
    ]


def _duplicates(nodes: list[tuple[str, Node]]) -> list[Finding]:
    count = Counter(node.name for _, node in nodes)
    return [
        Finding(
            path=path,
            kind="duplicate_name",
            message=f"{count[node.name]} nodes have this name: get_step_content({node.name!r}) gives the latest",
        )
        for path, node in nodes
        if count[node.name] > 1
    ]
