"""A workflow as an SVG drawing: boxes from top to bottom, what belongs together in a frame, branches side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from nightdrop.workflows.nodes import Condition, Loop, Node, Parallel, Router, Step
from nightdrop.workflows.spec import WorkflowSpec, children_of

_GAP, _PAD, _TITLE, _BOX, _LETTER = 24, 14, 22, 34, 7.4  # pixels; _LETTER: width of one letter at 12 px

_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2933}rect{fill:#fff;stroke:#52606d}"
    ".frame{fill:#f5f7fa;stroke:#9aa5b1;stroke-dasharray:4 3}.agent{fill:#e3f2fd}line{stroke:#52606d}"
)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A part of the drawing with its size, drawn with its upper left corner at 0,0."""

    width: float
    height: float
    body: str

    def at(self, x: float, y: float) -> str:
        return f'<g transform="translate({x:g} {y:g})">{self.body}</g>'


def svg(spec: WorkflowSpec) -> str:
    """The text of an SVG file."""
    drawn = _framed(spec.name, _column([_draw(node) for node in spec.root.steps]))
    size = f'width="{drawn.width + 20:g}" height="{drawn.height + 20:g}"'
    marker = (
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#52606d"/></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(spec.name)}">'
        f"<style>{_STYLE}</style>{marker}{drawn.at(10, 10)}</svg>\n"
    )


def _draw(node: Node) -> _Drawn:
    if isinstance(node, Step) and node.workflow is None:
        return _box(node.name, node.kind)
    if isinstance(node, Condition):
        parts = [("yes", node.steps), ("no", node.else_steps)]
        return _framed(f"{node.name}?", _row([_framed(label, _column_of(nodes)) for label, nodes in parts]))
    if isinstance(node, Parallel):
        return _framed(f"{node.name}: at the same time", _row([_draw(child) for child in node.steps]))
    if isinstance(node, Router):
        return _framed(f"{node.name}: as selected", _row([_draw(child) for child in node.choices]))
    title = f"{node.name}: at most {node.max_iterations} rounds" if isinstance(node, Loop) else node.name
    return _framed(title, _column_of(children_of(node)))


def _box(name: str, kind: str) -> _Drawn:
    width = max(90.0, len(name) * _LETTER + 2 * _PAD)
    middle = f'x="{width / 2:g}" text-anchor="middle"'
    body = (
        f'<rect class="{kind}" width="{width:g}" height="{_BOX}" rx="5"/>'
        f'<text {middle} y="{_BOX / 2 + 4:g}">{escape(name)}</text>'
    )
    return _Drawn(width, _BOX, body)


def _framed(title: str, inside: _Drawn) -> _Drawn:
    width = max(inside.width, len(title) * _LETTER) + 2 * _PAD
    height = inside.height + _TITLE + 2 * _PAD
    left = (width - inside.width) / 2
    body = (
        f'<rect class="frame" width="{width:g}" height="{height:g}" rx="8"/>'
        f'<text x="{_PAD}" y="18">{escape(title)}</text>{inside.at(left, _TITLE + _PAD)}'
    )
    return _Drawn(width, height, body)


def _column_of(nodes: Sequence[Node]) -> _Drawn:
    return _column([_draw(node) for node in nodes])


def _column(parts: Sequence[_Drawn]) -> _Drawn:
    """One below the other, with arrows between."""
    width = max((part.width for part in parts), default=60.0)
    body, y = [], 0.0
    for number, part in enumerate(parts):
        if number:
            x = width / 2
            body.append(f'<line x1="{x:g}" y1="{y:g}" x2="{x:g}" y2="{y + _GAP:g}" marker-end="url(#arrow)"/>')
            y += _GAP
        body.append(part.at((width - part.width) / 2, y))
        y += part.height
    return _Drawn(width, y, "".join(body))


def _row(parts: Sequence[_Drawn]) -> _Drawn:
    """Side by side, with their upper edges in line."""
    body, x = [], 0.0
    for part in parts:
        body.append(part.at(x, 0))
        x += part.width + _GAP
    return _Drawn(x - _GAP, max(part.height for part in parts), "".join(body))
