"""What the interpreter needs of whoever runs it: recorded results, a place for new ones, and answers of agents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nightdrop.errors import StorageFailed
from nightdrop.records.field import FieldResult
from nightdrop.records.step import StepResult
from nightdrop.workflows.nodes import AgentPlan
from nightdrop.workflows.step_io import StepFile, StepRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a step asks an agent. number: which try of the step."""

    agent: AgentPlan
    path: str
    number: int
    message: str
    files: tuple[StepFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A valid answer of an agent: content as JSON data. detail: what else is known of it, such as its checks."""

    content: Any
    detail: dict[str, Any] | None = None
    fields: dict[str, FieldResult] = field(default_factory=dict)


class Port(Protocol):
    """One run. passing: what is no failure of a step and goes through all of them, such as a run put off."""

    passing: tuple[type[BaseException], ...]
    run: StepRun

    def recorded(self, path: str) -> Sequence[StepResult]:
        """The tries of a step that are recorded, in order; also from an earlier process."""

    async def record(self, result: StepResult) -> StepResult:
        """Commit a result. Returns what is recorded: another's, if one came first."""

    async def ask(self, asked: Asked) -> Answered:
        """The agent's answer. Raises what the agent's run would fail with."""

    def started(self, path: str) -> None:
        """A step begins a try."""


def let_through(port: Port) -> tuple[type[BaseException], ...]:
    """What ends a walk and is nobody's failure: the store's, and what the port passes."""
    return (StorageFailed, *port.passing)
