"""nightdrop for benchmarks/drain.py: the agent that `nightdrop worker` loads, and who hands documents to it.

The process that hands in does not execute: its lease is ended first, so that what it accepts waits for the workers,
as it does when a process leaves. (A process that keeps its lease begins each background run at once itself.)
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import drain_side
from pydantic import BaseModel

from nightdrop import Agent, File
from nightdrop.engine import engine_for
from nightdrop.portal import portal
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What is asked for."""

    invoice_number: str
    total: Decimal


agent = Agent(
    id="drain", model=f"openai-chat:{drain_side.MODEL}", output_schema=Paid, db=database_at(drain_side.place())
)


async def enqueuer() -> drain_side.One:
    """Accepts a background run: bytes and row are committed when it returns."""
    assert agent.db is not None
    engine = await portal().bridge(engine_for(agent.db))
    engine.abandon()

    async def one(path: Path) -> None:
        await agent.arun(drain_side.INSTRUCTIONS, files=[File(filepath=path)], background=True)

    return one


def work() -> None:
    """Not used: `nightdrop worker` does it."""
    raise SystemExit("use `nightdrop worker drain_nightdrop.py:agent`")


if __name__ == "__main__":
    drain_side.play(enqueuer, work)
