"""What a workflow is, without its database: the part that executes and that a revision identifies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nightdrop.records.request import Subject
from nightdrop.workflows.nodes import AgentPlan, Condition, Loop, Node, Router, Step, Steps


@dataclass(frozen=True, kw_only=True)
class WorkflowSpec:
    """A workflow's nodes. version: the user's own word that a changed function is another revision."""

    id: str
    name: str
    root: Steps
    version: str | None = None

    @property
    def cache(self) -> bool:
        """Never: what one run's steps came to is not another's."""
        return False

    @property
    def shape(self) -> dict[str, Any]:
        """The tree as JSON data: names, kinds, and the agents' revisions."""
        return shape_of(self.root)

    @property
    def plan(self) -> dict[str, Any]:
        """The shape, and which loops have an end condition: what tells how far a run is, and no revision."""
        return shape_of(self.root, plan=True)

    @cached_property
    def revision(self) -> str:
        """A hash of names, shape, agents' revisions and version. Never of retries, timeouts, code or db."""
        text = json.dumps({"root": self.shape, "version": self.version}, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def subject(self) -> Subject:
        """What rows say executes its runs."""
        return Subject(kind="workflow", id=self.id, revision=self.revision)

    @property
    def agents(self) -> list[AgentPlan]:
        """Every agent that it may ask, in the order of its nodes."""
        return [step.agent for step in steps_in(self.root) if step.agent is not None]


def children_of(node: Node) -> tuple[Node, ...]:
    """The nodes below one, in order."""
    if isinstance(node, Step):
        return () if node.workflow is None else node.workflow.steps
    if isinstance(node, Condition):
        return (*node.steps, *node.else_steps)
    return node.choices if isinstance(node, Router) else node.steps


def steps_in(node: Node) -> Iterator[Step]:
    """Every step below a node, itself included."""
    if isinstance(node, Step) and node.workflow is None:
        yield node
    for child in children_of(node):
        yield from steps_in(child)


def shape_of(node: Node, *, plan: bool = False) -> dict[str, Any]:
    """A node and what is below it as JSON data. plan: also whether a loop has an end condition."""
    kind = node.kind if isinstance(node, Step) else type(node).__name__.lower()
    shape: dict[str, Any] = {"name": node.name, "kind": kind}
    if isinstance(node, Step) and node.agent is not None:
        shape |= {"id": node.id, "revision": node.agent.revision}
    if isinstance(node, Loop):
        shape["max_iterations"] = node.max_iterations
        if plan:
            shape["has_end_condition"] = node.end_condition is not None
    if isinstance(node, Condition):
        shape["steps"] = [shape_of(child, plan=plan) for child in node.steps]
        shape["else_steps"] = [shape_of(child, plan=plan) for child in node.else_steps]
    elif not isinstance(node, Step) or node.workflow is not None:
        shape["steps"] = [shape_of(child, plan=plan) for child in children_of(node)]
    return shape
