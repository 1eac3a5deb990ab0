"""A workflow as a Mermaid flowchart: Markdown pages show it as a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nightdrop.workflows.nodes import Condition, Loop, Node, Parallel, Router, Step, Steps
from nightdrop.workflows.spec import WorkflowSpec


@dataclass(slots=True)
class _Page:
    """Lines so far. An end of the drawing is (node id, label of the arrow that leaves it)."""

    lines: list[str] = field(default_factory=list)
    count: int = 0

    def node(self, text: str, left: str = "[", right: str = "]") -> str:
        self.count += 1
        name = f"n{self.count}"
        safe = text.replace('"', "#quot;")
        self.lines.append(f'    {name}{left}"{safe}"{right}')
        return name

    def arrow(self, ends: Ends, target: str) -> None:
        for end, label in ends:
            self.lines.append(f"    {end} -->{f'|{label}|' if label else ''} {target}")


Ends = list[tuple[str, str]]


def mermaid(spec: WorkflowSpec) -> str:
    """The text of a flowchart from top to bottom."""
    page = _Page()
    ends: Ends = [(page.node(spec.name, "([", "])"), "")]
    ends = _sequence(page, spec.root.steps, ends)
    page.arrow(ends, page.node("end", "([", "])"))
    return "\n".join(["flowchart TD", *page.lines]) + "\n"


def _sequence(page: _Page, nodes: Sequence[Node], ends: Ends) -> Ends:
    for node in nodes:
        ends = _draw(page, node, ends)
    return ends


def _draw(page: _Page, node: Node, ends: Ends) -> Ends:
    if isinstance(node, Step) and node.workflow is None:
        name = page.node(f"{node.name} ({node.kind})")
        page.arrow(ends, name)
        return [(name, "")]
    if isinstance(node, Condition):
        return _branches(page, node.name, ends, [("yes", node.steps), ("no", node.else_steps)], "{", "}")
    if isinstance(node, Router):
        return _branches(page, node.name, ends, [(c.name, (c,)) for c in node.choices], "{{", "}}")
    if isinstance(node, Parallel):
        inner = _branches(page, node.name, ends, [("", (c,)) for c in node.steps], "[/", "/]")
        join = page.node(f"{node.name}: all", "[\\", "\\]")
        page.arrow(inner, join)
        return [(join, "")]
    if isinstance(node, Loop):
        start = page.node(f"{node.name}: at most {node.max_iterations} rounds", "[[", "]]")
        page.arrow(ends, start)
        inner = _sequence(page, node.steps, [(start, "")])
        page.arrow([(end, "again") for end, _ in inner], start)
        return [(end, "done") for end, _ in inner]
    steps = node.steps if isinstance(node, Steps) else node.workflow.steps if node.workflow else ()
    return _sequence(page, steps, ends)


def _branches(
    page: _Page, name: str, ends: Ends, branches: Sequence[tuple[str, Sequence[Node]]], left: str, right: str
) -> Ends:
    start = page.node(name, left, right)
    page.arrow(ends, start)
    return [end for label, nodes in branches for end in _sequence(page, nodes, [(start, label)])]
