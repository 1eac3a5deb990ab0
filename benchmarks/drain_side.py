"""What every side of benchmarks/drain.py does alike; only the standard library, so that any environment runs it.

    python drain_SIDE.py enqueue|trickle|work FOLDER COUNT

DRAIN_PLACE names the database, OPENAI_BASE_URL the provider.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

AT_ONCE = 32  # callers that enqueue at the same time
CONCURRENCY = 64  # calls at a time in each worker process
MODEL = "gpt-4o-mini"
INSTRUCTIONS = "Extract this invoice."

One = Callable[[Path], Awaitable[Any]]


def place() -> str:
    """The database of this run."""
    return os.environ["DRAIN_PLACE"]


def call_url() -> str:
    """Where a chat completion is posted to."""
    return f"{os.environ['OPENAI_BASE_URL']}/chat/completions"


def text_of(path: Path) -> str:
    """The document as text: what sides send that carry no files."""
    content = path.read_bytes()
    return base64.b64encode(content).decode() if path.suffix == ".pdf" else content.decode()


def chat(path: Path) -> dict[str, Any]:
    """The request that plain sides send: instructions and the document, one message."""
    return {"model": MODEL, "messages": [{"role": "user", "content": f"{INSTRUCTIONS}\n{text_of(path)}"}]}


def answered() -> int:
    """How many calls the provider has answered."""
    meter = os.environ["OPENAI_BASE_URL"].removesuffix("/v1") + "/_meter?calls=0"
    with urllib.request.urlopen(meter) as response:
        return int(json.load(response)["totals"]["outcomes"].get("answered", 0))


async def enqueue(one: One, files: list[Path]) -> None:
    """Hand in everything, AT_ONCE at a time; prints the seconds it took."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(path: Path) -> None:
        async with gate:
            await one(path)

    started = time.perf_counter()
    await asyncio.gather(*[gated(path) for path in files])
    print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)


async def trickle(one: One, files: list[Path]) -> None:
    """Hand in one, wait for its call, hand in the next; prints when each had been accepted, in ms since 1970."""
    accepted = []
    for path in files:
        before = await asyncio.to_thread(answered)
        await one(path)
        accepted.append(time.time() * 1000)
        while await asyncio.to_thread(answered) == before:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)  # idle again, at another moment of its polls
    print(json.dumps({"accepted": accepted}), flush=True)


def play(enqueuer: Callable[[], Awaitable[One]], work: Callable[[], None]) -> None:
    """The role that the command line names."""
    role, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if role == "work":
        work()
        return
    files = sorted(folder.iterdir())[:count]

    async def run() -> None:
        one = await enqueuer()
        await (enqueue if role == "enqueue" else trickle)(one, files)

    asyncio.run(run())
    os._exit(0)
