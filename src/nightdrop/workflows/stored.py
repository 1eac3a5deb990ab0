"""A run's content from its recorded steps: as the schemas and return types of the steps that gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightdrop.errors import StepOutputInvalid
from nightdrop.records.step import StepResult, StepStatus
from nightdrop.workflows.nodes import Condition, Loop, Node, Parallel, Router, Step
from nightdrop.workflows.spec import WorkflowSpec, children_of

_NONE = object()


def content_of(spec: WorkflowSpec, results: Sequence[StepResult], content: Any) -> Any:
    """The content of a completed run with its types. content: as JSON data, returned where the steps do not say."""
    try:
        found = _last(spec.root.steps, "", {result.path: result for result in results})
    except StepOutputInvalid:  # of a function that has changed since
        return content
    return content if found is _NONE else found


def _last(nodes: Sequence[Node], path: str, by_path: dict[str, StepResult]) -> Any:
    """The content of the last of these nodes that ran."""
    for node in reversed(nodes):
        found = _content(node, f"{path}/{node.name}" if path else node.name, by_path)
        if found is not _NONE:
            return found
    return _NONE


def _content(node: Node, path: str, by_path: dict[str, StepResult]) -> Any:
    result = by_path.get(path)
    if isinstance(node, Step) and node.workflow is None:
        return _NONE if result is None else node.load(result.content)
    if isinstance(node, Step) and result is not None and result.status is StepStatus.SKIPPED:
        return None
    if isinstance(node, Parallel):
        found = {child.name: _content(child, f"{path}/{child.name}", by_path) for child in node.steps}
        ran = any(content is not _NONE for content in found.values())
        return {name: None if content is _NONE else content for name, content in found.items()} if ran else _NONE
    detail = {} if result is None else result.detail or {}
    if isinstance(node, Condition):
        return _last(node.steps if detail.get("met") else node.else_steps, path, by_path)
    if isinstance(node, Router):
        by_name = {choice.name: choice for choice in node.choices}
        return _last([by_name[name] for name in detail.get("chosen", ()) if name in by_name], path, by_path)
    if isinstance(node, Loop):
        for number in range(detail.get("iterations", 0), 0, -1):
            found = _last(node.steps, f"{path}[{number}]", by_path)
            if found is not _NONE:
                return found
        return _NONE
    return _last(children_of(node), path, by_path)
