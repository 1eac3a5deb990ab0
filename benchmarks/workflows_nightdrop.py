"""nightdrop for benchmarks/workflows.py: the workflow that `nightdrop worker` loads, who hands documents to it, and
chains of trivial steps (WORKFLOWS_MODE: memory or durable, async or sync functions)."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import drain_side
import workflows_side as side

from nightdrop import File, Parallel, Step, StepInput, Workflow
from nightdrop.engine import engine_for
from nightdrop.portal import portal
from nightdrop.store.place import database_at

db = database_at(drain_side.place())


async def read(given: StepInput) -> dict[str, Any]:
    """The document's lines."""
    return side.read((await given.files[0].aread()).decode())


def of_previous(work: Callable[[Any], Any]) -> Callable[[StepInput], Awaitable[Any]]:
    """A step that works on the content of the one before."""

    async def step(given: StepInput) -> Any:
        return work(given.previous_step_content)

    return step


def step(work: Callable[[Any], Any]) -> Step:
    """A step named after its function."""
    return Step(name=work.__name__, executor=of_previous(work))


packet = Workflow(
    id="packet",
    db=db,
    steps=[
        Step(name="read", executor=read),
        step(side.classify),
        Parallel(step(side.number), step(side.date), step(side.total), name="fields"),
        step(side.check),
        step(side.export),
    ],
)


async def trivial(given: StepInput) -> str:
    """An async step that does nothing."""
    return given.input


def trivial_sync(given: StepInput) -> str:
    """A sync step that does nothing."""
    return given.input


def chain(length: int) -> Callable[[], Awaitable[object]]:
    """A run of so many trivial steps."""
    where, kind = os.environ["WORKFLOWS_MODE"].split()
    function = trivial if kind == "async" else trivial_sync
    steps = [Step(name=f"s{at}", executor=function) for at in range(length)]
    made = Workflow(id=f"chain-{length}", db=db if where == "durable" else None, steps=steps)

    async def one() -> object:
        return (await made.arun("nothing")).raise_for_status()

    return one


async def enqueuer() -> drain_side.One:
    """Accepts a background run: bytes and row are committed when it returns. This process does not execute."""
    engine = await portal().bridge(engine_for(db))
    engine.abandon()

    async def one(path: Path) -> None:
        await packet.arun("Read this document.", files=[File(filepath=path)], background=True)

    return one


def work() -> None:
    """Not used: `nightdrop worker` does it."""
    raise SystemExit("use `nightdrop worker workflows_nightdrop.py:packet`")


if __name__ == "__main__":
    side.play(chain, enqueuer, work)
    os._exit(0)
