"""The interpreter: walks a workflow's nodes. What is recorded is not done again, whichever process it was done in.

It keeps nothing: each step and each decision is recorded under its path, so that a walk from the start, in another
process, finds all of them and goes on where the last one ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from nightdrop import clock
from nightdrop.errors import NightdropError, StepFailed, StorageFailed
from nightdrop.pausing import PauseRequested, at_step
from nightdrop.records.step import StepResult, StepStatus
from nightdrop.workflows.call import call
from nightdrop.workflows.flow import Flow
from nightdrop.workflows.leaf import run_step
from nightdrop.workflows.nodes import Condition, Loop, Node, Parallel, Router, Step, Steps
from nightdrop.workflows.port import Port, let_through
from nightdrop.workflows.spec import WorkflowSpec
from nightdrop.workflows.step_io import StepFile, StepOutput


async def interpret(spec: WorkflowSpec, port: Port, message: str, files: Sequence[StepFile]) -> StepOutput[Any]:
    """The output of the last step that ran. Raises StepFailed, PauseRequested and what the port lets through."""
    flow = await _Walk(port).sequence(
        spec.root.steps, "", Flow(input=message, documents=tuple(files), files=tuple(files), run=port.run)
    )
    return flow.last


class _Walk:
    """One run on its way through the nodes. rounds: so often a step gets all its tries."""

    def __init__(self, port: Port, rounds: int = 1) -> None:
        self._port = port
        self._rounds = rounds

    async def sequence(self, nodes: Sequence[Node], path: str, flow: Flow) -> Flow:
        """One after the other, until one says stop."""
        for node in nodes:
            flow = await self._node(node, f"{path}/{node.name}" if path else node.name, flow)
            if flow.last.stop:
                break
        return flow

    async def _node(self, node: Node, path: str, flow: Flow) -> Flow:
        if isinstance(node, Step):
            return await self._step(node, path, flow)
        if isinstance(node, Steps):
            return _grouped(node.name, flow, await self.sequence(node.steps, path, flow))
        if isinstance(node, Parallel):
            return await self._parallel(node, path, flow)
        if isinstance(node, Condition):
            return await self._condition(node, path, flow)
        if isinstance(node, Router):
            return await self._router(node, path, flow)
        return await self._loop(node, path, flow)

    async def _step(self, node: Step, path: str, flow: Flow) -> Flow:
        nested = node.workflow
        if nested is None:
            return await run_step(self._port, node, path, flow, self._rounds)

        async def inner(rounds: int) -> Flow:
            return _grouped(node.name, flow, await _Walk(self._port, rounds).sequence(nested.steps, path, flow))

        if node.has_policy:
            return await run_step(self._port, node, path, flow, self._rounds, inner)
        return await inner(self._rounds)

    async def _parallel(self, node: Parallel, path: str, flow: Flow) -> Flow:
        """Every branch runs to its own end, so that what it paid for is recorded, before a failed one fails the run."""
        places = asyncio.Semaphore(node.max_concurrency or len(node.steps))

        async def branch(child: Node) -> Flow:
            async with places:
                return await self._node(child, f"{path}/{child.name}", flow)

        ended = await asyncio.gather(*[branch(child) for child in node.steps], return_exceptions=True)
        problem = _first_problem(ended)
        if problem is not None:
            raise problem
        names = [child.name for child in node.steps]
        flows = [end for end in ended if isinstance(end, Flow)]
        return flow.joined(node.name, path, list(zip(names, flows, strict=True)))

    async def _condition(self, node: Condition, path: str, flow: Flow) -> Flow:
        evaluator = node.evaluator
        met = await self._decide(path, "condition", lambda: _ask(evaluator, flow), lambda found: {"met": bool(found)})
        chosen = node.steps if met["met"] else node.else_steps
        if not chosen:
            return flow.passing(node.name)
        return _grouped(node.name, flow, await self.sequence(chosen, path, flow))

    async def _router(self, node: Router, path: str, flow: Flow) -> Flow:
        by_name = {choice.name: choice for choice in node.choices}
        decision = await self._decide(
            path,
            "router",
            lambda: call(node.selector, flow.step_input()),
            lambda found: {"chosen": _names(found, node)},
        )
        if not decision["chosen"]:
            return flow.passing(node.name)
        chosen = [by_name[name] for name in decision["chosen"]]
        return _grouped(node.name, flow, await self.sequence(chosen, path, flow))

    async def _loop(self, node: Loop, path: str, flow: Flow) -> Flow:
        before, rounds, ended = flow, 0, "max_iterations"
        while rounds < node.max_iterations and ended == "max_iterations":
            rounds += 1
            flow = await self.sequence(node.steps, f"{path}[{rounds}]", flow)
            if flow.last.stop:
                ended = "stop"
            elif node.end_condition is not None and await self._is_over(node, f"{path}[{rounds}]", flow):
                ended = "end_condition"
        await self._decide(path, "loop", _nothing, lambda _: {"iterations": rounds, "ended": ended})
        return _grouped(node.name, before, flow)

    async def _is_over(self, node: Loop, path: str, flow: Flow) -> bool:
        condition = node.end_condition
        assert condition is not None
        outputs = [flow.outputs[child.name] for child in node.steps]
        found = await self._decide(
            path, "round", lambda: call(condition, outputs), lambda answer: {"end": bool(answer)}
        )
        return bool(found["end"])

    async def _decide(
        self, path: str, kind: str, ask: Callable[[], Any], detail: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """What the user's function decided, asked once and recorded. Raises StepFailed."""
        recorded = self._port.recorded(path)
        if recorded:
            return recorded[-1].detail or {}
        started = clock.to_datetime(clock.now_ms())
        try:
            with at_step(path):
                decided = detail(await ask())
        except let_through(self._port):
            raise
        except NightdropError as error:
            raise StepFailed(f"step {path}: {error.message}", path=path, code=error.code) from error
        except Exception as error:
            raise StepFailed(f"step {path}: its {kind} failed: {type(error).__name__}: {error}", path=path) from error
        result = StepResult(
            path=path,
            kind=kind,
            status=StepStatus.COMPLETED,
            detail=decided,
            started_at=started,
            completed_at=clock.to_datetime(clock.now_ms()),
        )
        return (await self._port.record(result)).detail or {}


async def _nothing() -> None:
    """Nobody is asked how a loop ended."""


async def _ask(evaluator: Any, flow: Flow) -> Any:
    return evaluator if isinstance(evaluator, bool) else await call(evaluator, flow.step_input())


def _grouped(name: str, before: Flow, after: Flow) -> Flow:
    """Behind a node of several steps: its output is that of the last one that ran."""
    if after.last is before.last:
        return replace(after, outputs={**before.passing(name).outputs, **after.outputs})
    return after.after(name, after.last)


def _names(found: Any, node: Router) -> list[str]:
    """The names of what a selector picked. Raises StepFailed for what is no choice."""
    known = {choice.name for choice in node.choices}
    picked = [] if found is None else list(found) if isinstance(found, list | tuple) else [found]
    names = [item if isinstance(item, str) else _name_of(item) for item in picked]
    wrong = [name for at, name in enumerate(names) if name not in known or name in names[:at]]
    if wrong:
        choices = ", ".join(sorted(known))
        raise StepFailed(f"its selector picked {wrong[0]!r}; it may pick each of {choices} once")
    return names


def _name_of(item: Any) -> str:
    return str(getattr(item, "name", None) or getattr(item, "id", None) or getattr(item, "__name__", repr(item)))


def _first_problem(ended: Sequence[Flow | BaseException]) -> BaseException | None:
    """Of what branches raised: a failure before a question before what only puts the run off."""
    raised = [end for end in ended if isinstance(end, BaseException)]
    for kind in (StorageFailed, asyncio.CancelledError, NightdropError, PauseRequested):
        for error in raised:
            if isinstance(error, kind):
                return error
    return raised[0] if raised else None
