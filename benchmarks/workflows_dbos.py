"""Plain DBOS for benchmarks/workflows.py: a workflow of steps, tuned as in drain_dbos.py. WORKFLOWS_SHAPE says how the
three branches are written: "gather" (steps in a gather) or "children" (child workflows, which a replay cannot mix up).
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import drain_dbos
import drain_side
import workflows_side as side
from dbos import DBOS

CHILDREN = os.environ.get("WORKFLOWS_SHAPE") == "children"


@DBOS.step()
async def read(path: str) -> side.Data:
    """The document's lines."""
    return side.read(Path(path).read_text())


@DBOS.step()
async def classify(document: side.Data) -> side.Data:
    """A step."""
    return side.classify(document)


@DBOS.step()
async def number(document: side.Data) -> str:
    """A branch."""
    return side.number(document)


@DBOS.step()
async def date(document: side.Data) -> str:
    """A branch."""
    return side.date(document)


@DBOS.step()
async def total(document: side.Data) -> str:
    """A branch."""
    return side.total(document)


@DBOS.step()
async def check(found: side.Data) -> side.Data:
    """A step."""
    return side.check(found)


@DBOS.step()
async def export(found: side.Data) -> side.Data:
    """A step."""
    return side.export(found)


@DBOS.workflow(name="number-child", max_recovery_attempts=None)
async def number_child(document: side.Data) -> str:
    """A branch as a workflow of its own."""
    return await number(document)


@DBOS.workflow(name="date-child", max_recovery_attempts=None)
async def date_child(document: side.Data) -> str:
    """A branch as a workflow of its own."""
    return await date(document)


@DBOS.workflow(name="total-child", max_recovery_attempts=None)
async def total_child(document: side.Data) -> str:
    """A branch as a workflow of its own."""
    return await total(document)


@DBOS.workflow(name="packet", max_recovery_attempts=None)
async def packet(path: str) -> side.Data:
    """A document."""
    document = await classify(await read(path))
    branches = (number_child, date_child, total_child) if CHILDREN else (number, date, total)
    found = await asyncio.gather(*[branch(document) for branch in branches])
    return await export(await check(dict(zip(("number", "date", "total"), found, strict=True))))


@DBOS.step()
async def trivial(text: str) -> str:
    """A step that does nothing."""
    return text


@DBOS.workflow(name="chain", max_recovery_attempts=None)
async def of_length(length: int) -> str:
    """So many trivial steps."""
    text = "nothing"
    for _ in range(length):
        text = await trivial(text)
    return text


def chain(length: int) -> Callable[[], Awaitable[object]]:
    """A run of so many trivial steps."""
    if length == side.LENGTHS[0]:
        drain_dbos.launch()

    async def one() -> object:
        return await of_length(length)

    return one


async def enqueuer() -> drain_side.One:
    """Enqueues a document: one transaction of DBOS's client."""
    made = drain_dbos.client(drain_dbos.engine())
    options: Any = {"workflow_name": "packet", "queue_name": drain_dbos.QUEUE, "app_version": drain_dbos.VERSION}

    async def one(path: Path) -> None:
        await asyncio.to_thread(made.enqueue, {**options, "workflow_id": uuid.uuid4().hex}, str(path))

    return one


if __name__ == "__main__":
    side.play(chain, enqueuer, drain_dbos.work)
    os._exit(0)
