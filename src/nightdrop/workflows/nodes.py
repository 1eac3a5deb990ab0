"""The nodes that a workflow is built of. They are plans: frozen, checked when made, executed by the interpreter."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from nightdrop.errors import WorkflowInvalid
from nightdrop.workflows.content import ContentType, name_of
from nightdrop.workflows.step_io import StepInput, StepOutput

OnError = Literal["fail", "skip", "pause"]
_NAME = re.compile(r"[^/\[\]\s][^/\[\]]*")


class AgentPlan(Protocol):
    """What a step needs to know of an agent."""

    id: str
    schema: Any

    @property
    def revision(self) -> str:
        """A hash of what decides its answers."""


@dataclass(frozen=True, init=False)
class Step:
    """One step: an agent, a sync or async function, or another workflow. name: default: what that is called.

    retries: how many failed tries are followed by another. timeout: seconds for one try. on_error: what a failure that
    is left does: the run fails, or goes on without the step's content (skip), or asks a person (pause). message: what
    an agent is asked, as text or a function of StepInput; default: the content before it, else the run's message.
    files: the label of the documents it is asked about, or a function of StepInput that gives them; default: all.
    """

    name: str
    agent: AgentPlan | None
    executor: Callable[[StepInput], Any] | None
    workflow: Steps | None
    retries: int
    timeout: float | None
    on_error: OnError
    message: str | Callable[[StepInput], str] | None
    files: str | Callable[[StepInput], Any] | None
    content: ContentType | None = field(repr=False, compare=False)
    id: str  # of the agent or the workflow, empty for a function

    def __init__(  # noqa: PLR0913 - a constructor of the contract
        self,
        name: str | None = None,
        *,
        agent: Any = None,
        executor: Callable[[StepInput], Any] | None = None,
        workflow: Any = None,
        retries: int = 0,
        timeout: float | None = None,
        on_error: OnError = "fail",
        message: str | Callable[[StepInput], str] | None = None,
        files: str | Callable[[StepInput], Any] | None = None,
    ) -> None:
        given = [part for part in (agent, executor, workflow) if part is not None]
        if len(given) != 1:
            raise WorkflowInvalid(f"Step({name!r}) takes exactly one of agent=, executor=, workflow=; got {len(given)}")
        for kind, part in (("agent", agent), ("workflow", workflow)):
            if part is not None and _kind_of(part) != kind:
                raise WorkflowInvalid(f"Step({name!r}, {kind}={part!r}): that is no {kind}")
        if executor is not None and not callable(executor):
            raise WorkflowInvalid(f"Step({name!r}, executor={executor!r}) cannot be called")
        if agent is None and (message is not None or files is not None):
            raise WorkflowInvalid(f"Step({name!r}): message= and files= say what an agent is asked about")
        if retries < 0 or (timeout is not None and timeout <= 0) or on_error not in ("fail", "skip", "pause"):
            raise WorkflowInvalid(
                f"Step({name!r}, retries={retries}, timeout={timeout}, on_error={on_error!r}): give 0 or more retries, "
                "seconds above 0, and 'fail', 'skip' or 'pause'"
            )
        own_id = "" if executor is not None else str(getattr(given[0], "id", ""))
        values: dict[str, Any] = {
            "name": _checked(name or own_id or name_of(executor)),
            "agent": None if agent is None else agent.spec,
            "executor": executor,
            "workflow": None if workflow is None else workflow.spec.root,
            "retries": retries,
            "timeout": timeout,
            "on_error": on_error,
            "message": message,
            "files": files,
            "content": None if executor is None else ContentType(executor),
            "id": own_id,
        }
        _set(self, values)

    @property
    def kind(self) -> str:
        """agent, function or workflow."""
        return "function" if self.executor is not None else "agent" if self.agent is not None else "workflow"

    @property
    def has_policy(self) -> bool:
        """Whether it says what a failure of it does."""
        return bool(self.retries) or self.timeout is not None or self.on_error != "fail"

    def load(self, content: Any) -> Any:
        """Recorded content as the agent's schema or the function's return type."""
        if self.agent is not None:
            return self.agent.schema.load(content)
        return content if self.content is None else self.content.load(content)


@dataclass(frozen=True, init=False)
class Steps:
    """Steps one after the other, under one name; its content is the last step's."""

    name: str
    steps: tuple[Node, ...]

    def __init__(self, steps: Sequence[Any], name: str = "steps") -> None:
        _set(self, {"name": _checked(name), "steps": nodes_of(steps, f"Steps {name!r}")})


@dataclass(frozen=True, init=False)
class Loop:
    """Steps again and again, each round with the content of the one before, until end_condition or max_iterations.

    end_condition: takes the outputs of a round's steps in order; true ends the loop. Without it every round is made.
    """

    name: str
    steps: tuple[Node, ...]
    max_iterations: int
    end_condition: Callable[[list[StepOutput[Any]]], Any] | None

    def __init__(
        self,
        steps: Sequence[Any] | Any,
        max_iterations: int = 3,
        end_condition: Callable[[list[StepOutput[Any]]], Any] | None = None,
        name: str = "loop",
    ) -> None:
        if not isinstance(max_iterations, int) or max_iterations < 1:
            raise WorkflowInvalid(f"Loop {name!r}: max_iterations={max_iterations!r}: give 1 or more")
        if end_condition is not None and not callable(end_condition):
            raise WorkflowInvalid(f"Loop {name!r}: end_condition={end_condition!r} cannot be called")
        _set(
            self,
            {
                "name": _checked(name),
                "steps": nodes_of(steps, f"Loop {name!r}"),
                "max_iterations": max_iterations,
                "end_condition": end_condition,
            },
        )


@dataclass(frozen=True, init=False)
class Parallel:
    """Branches at the same time; its content is a dict of theirs by name. max_concurrency: so many at a time."""

    name: str
    steps: tuple[Node, ...]
    max_concurrency: int | None

    def __init__(self, *steps: Any, name: str = "parallel", max_concurrency: int | None = None) -> None:
        if max_concurrency is not None and max_concurrency < 1:
            raise WorkflowInvalid(f"Parallel {name!r}: max_concurrency={max_concurrency}: give 1 or more")
        branches = nodes_of(steps, f"Parallel {name!r}")
        _set(self, {"name": _checked(name), "steps": branches, "max_concurrency": max_concurrency})


@dataclass(frozen=True, init=False)
class Condition:
    """Steps if the evaluator says so, else else_steps; with neither, the content of the step before passes through.

    evaluator: a function of StepInput, or a bool.
    """

    name: str
    evaluator: Callable[[StepInput], Any] | bool
    steps: tuple[Node, ...]
    else_steps: tuple[Node, ...]

    def __init__(
        self,
        evaluator: Callable[[StepInput], Any] | bool,
        steps: Sequence[Any] | Any,
        else_steps: Sequence[Any] | Any = (),
        name: str = "condition",
    ) -> None:
        if not callable(evaluator) and not isinstance(evaluator, bool):
            raise WorkflowInvalid(f"Condition {name!r}: evaluator={evaluator!r} is neither a function nor a bool")
        taken = nodes_of(steps, f"Condition {name!r}")
        others = nodes_of(else_steps, f"Condition {name!r}, else_steps", may_be_empty=True)
        _distinct((*taken, *others), f"Condition {name!r}")
        _set(self, {"name": _checked(name), "evaluator": evaluator, "steps": taken, "else_steps": others})


@dataclass(frozen=True, init=False)
class Router:
    """The choices that the selector picks, in its order: a step, a name, or a list of them; none: content passes."""

    name: str
    selector: Callable[[StepInput], Any]
    choices: tuple[Node, ...]

    def __init__(self, selector: Callable[[StepInput], Any], choices: Sequence[Any], name: str = "router") -> None:
        if not callable(selector):
            raise WorkflowInvalid(f"Router {name!r}: selector={selector!r} cannot be called")
        found = nodes_of(choices, f"Router {name!r}")
        _set(self, {"name": _checked(name), "selector": selector, "choices": found})


Node: TypeAlias = Step | Steps | Loop | Parallel | Condition | Router


def nodes_of(given: Any, place: str, *, may_be_empty: bool = False) -> tuple[Node, ...]:
    """Nodes of what a user wrote: nodes, agents, workflows, plain functions, lists. Raises WorkflowInvalid."""
    parts = list(given) if isinstance(given, list | tuple) else [given]
    if not parts and not may_be_empty:
        raise WorkflowInvalid(f"{place} has no steps")
    found: list[Node] = []
    for part in parts:
        node = _node(part, place)
        same = sum(node.name == other.name or other.name.startswith(f"{node.name}-") for other in found)
        if same and node.name == type(node).__name__.lower():  # nobody named it
            node = copy.copy(node)
            _set(node, {"name": f"{node.name}-{same + 1}"})
        found.append(node)
    _distinct(found, place)
    return tuple(found)


def _node(part: Any, place: str) -> Node:
    if isinstance(part, Step | Steps | Loop | Parallel | Condition | Router):
        return part
    if isinstance(part, list | tuple):
        return Steps(part)
    kind = _kind_of(part)
    if kind is not None:
        return Step(**{kind: part})
    if callable(part):
        return Step(executor=part)
    raise WorkflowInvalid(f"{place}: {part!r} is no step: give an agent, a function, a workflow or a node")


def _kind_of(part: Any) -> Literal["agent", "workflow"] | None:
    spec = getattr(part, "spec", None)
    if spec is None or isinstance(part, type):
        return None
    return "workflow" if isinstance(getattr(spec, "root", None), Steps) else "agent"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or name == "<lambda>":
        raise WorkflowInvalid(f"a step's name is text without / and brackets, not {name!r}: give name=")
    return name


def _distinct(nodes: Sequence[Node], place: str) -> None:
    names = [node.name for node in nodes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WorkflowInvalid(f"{place} has two steps named {twice[0]!r}: give each a name= of its own")


def _set(node: object, values: dict[str, Any]) -> None:
    for name, value in values.items():
        object.__setattr__(node, name, value)
