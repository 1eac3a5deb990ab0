"""What every side of benchmarks/workflows.py does alike: the steps of a document, and how overhead is taken.

    python workflows_SIDE.py enqueue|work|overhead FOLDER COUNT

A document goes through five steps, of which the third are three branches side by side; each is a trivial function.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import drain_side

LENGTHS = (5, 50)  # steps
_AT_ONCE = 16  # runs at a time
_WARM = 20

Data = dict[str, Any]
Chain = Callable[[int], Callable[[], Awaitable[object]]]


def read(text: str) -> Data:
    """Its lines, by what stands before the colon."""
    found = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return {"fields": found, "size": len(text)}


def classify(document: Data) -> Data:
    """What it is."""
    return {**document, "type": "invoice" if "Invoice number" in document["fields"] else "other"}


def number(document: Data) -> str:
    """A branch: the number."""
    return str(document["fields"]["Invoice number"])


def date(document: Data) -> str:
    """A branch: the date."""
    return str(document["fields"]["Invoice date"])


def total(document: Data) -> str:
    """A branch: the sum."""
    return str(document["fields"]["Total"])


def check(found: Data) -> Data:
    """Whether nothing is missing."""
    return {**found, "complete": all(found.values())}


def export(found: Data) -> Data:
    """The result."""
    return {key: found[key] for key in sorted(found)}


def play(chain: Chain, enqueuer: Callable[[], Awaitable[drain_side.One]], work: Callable[[], None]) -> None:
    """The role that the command line names."""
    if sys.argv[1] != "overhead":
        drain_side.play(enqueuer, work)
    else:
        overhead(chain, int(sys.argv[3]))


def overhead(chain: Chain, count: int) -> None:
    """Prints the CPU that a run of so many trivial steps takes in this process, in ms, by the number of steps."""

    async def run() -> dict[int, float]:
        return {length: await _cpu_ms(chain(length), count) for length in LENGTHS}

    print(json.dumps(asyncio.run(run())), flush=True)


async def _cpu_ms(one: Callable[[], Awaitable[object]], count: int) -> float:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def gated() -> None:
        async with gate:
            await one()

    await asyncio.gather(*[gated() for _ in range(_WARM)])
    gc.collect()
    before = time.process_time()
    await asyncio.gather(*[gated() for _ in range(count)])
    return (time.process_time() - before) * 1000 / count
