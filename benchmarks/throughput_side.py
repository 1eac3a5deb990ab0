"""One side of benchmarks/throughput.py, in a process of its own. Arguments: side folder concurrency scratch."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from pydantic import BaseModel

MODEL = "gpt-4o-mini"


class Paid(BaseModel):
    """What is asked for."""

    invoice_number: str
    total: float


async def under_a_semaphore(
    files: list[Path], concurrency: int, one: Callable[[Path], Awaitable[bool]]
) -> tuple[list[float], int]:
    """The plain pattern: gather under a semaphore. Seconds of each document, and how many failed."""
    gate, took, failed = asyncio.Semaphore(concurrency), [], 0

    async def run(path: Path) -> None:
        nonlocal failed
        async with gate:
            started = time.perf_counter()
            failed += not await one(path)
            took.append(time.perf_counter() - started)

    await asyncio.gather(*[run(path) for path in files])
    return took, failed


async def raw(files: list[Path], concurrency: int, scratch: Path) -> tuple[list[float], int]:
    """Bare HTTP."""
    import aiohttp

    schema = Paid.model_json_schema()
    tool = {"type": "function", "function": {"name": "Paid", "parameters": schema}}
    url = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one(path: Path) -> bool:
            data = base64.b64encode(path.read_bytes()).decode()
            file = {"type": "file", "file": {"filename": path.name, "file_data": f"data:application/pdf;base64,{data}"}}
            content = [{"type": "text", "text": "Extract this invoice."}, file]
            body = {
                "model": MODEL,
                "messages": [{"role": "user", "content": content}],
                "tools": [tool],
                "tool_choice": "required",
            }
            async with session.post(url, json=body, headers={"Authorization": "Bearer x"}) as response:
                await response.json()
                return response.status == 200

        return await under_a_semaphore(files, concurrency, one)


async def nightdrop(files: list[Path], concurrency: int, scratch: Path) -> tuple[list[float], int]:
    """agent.arun, durable."""
    from nightdrop import Agent, File, RunStatus, SqliteDb

    agent = Agent(id="bench", model=f"openai-chat:{MODEL}", output_schema=Paid, db=SqliteDb(scratch / "bench.db"))

    async def one(path: Path) -> bool:
        run = await agent.arun("Extract this invoice.", files=[File(filepath=path)])
        return run.status is RunStatus.COMPLETED

    return await under_a_semaphore(files, concurrency, one)


async def batch(files: list[Path], concurrency: int, scratch: Path) -> tuple[list[float], int]:
    """A durable batch over the folder; a document's time is not known to the caller."""
    from nightdrop import Agent, SqliteDb

    agent = Agent(id="bench", model=f"openai-chat:{MODEL}", output_schema=Paid, db=SqliteDb(scratch / "bench.db"))
    made = await agent.abatch(files, "Extract this invoice.", concurrency=concurrency)
    took = [run.metrics.duration or 0 async for run in made.results()]
    return took, made.progress().failed


async def agno(files: list[Path], concurrency: int, scratch: Path) -> tuple[list[float], int]:
    """Agno's arun with its SqliteDb."""
    from agno.agent import Agent
    from agno.db.sqlite import SqliteDb
    from agno.media import File
    from agno.models.openai import OpenAIChat

    db = SqliteDb(db_file=str(scratch / "agno.db"))
    model = OpenAIChat(id=MODEL, base_url=os.environ["OPENAI_BASE_URL"], api_key="x")
    agent = Agent(model=model, db=db, output_schema=Paid, telemetry=False)

    async def one(path: Path) -> bool:
        run = await agent.arun("Extract this invoice.", files=[File(filepath=path, mime_type="application/pdf")])
        return isinstance(run.content, Paid)

    return await under_a_semaphore(files, concurrency, one)


def workers(folder: Path, concurrency: int, scratch: Path) -> tuple[list[float], int, float]:
    """`nightdrop run` with two worker processes: seconds of each document, how many failed, seconds of all."""
    import sqlite3
    import subprocess

    db = str(scratch / "bench.db")
    app = f"{Path(__file__).with_name('throughput_app.py')}:agent"
    command = [
        sys.executable,
        "-m",
        "nightdrop",
        "run",
        str(folder),
        "--agent",
        app,
        "--message",
        "Extract this invoice.",
    ]
    command += ["--processes", "2", "--concurrency", str(concurrency // 2), "--quiet"]
    subprocess.run(command, env={**os.environ, "BENCH_DB": db}, check=True, stdout=subprocess.DEVNULL)
    with sqlite3.connect(db) as connection:
        rows = connection.execute("SELECT started_at, completed_at, status FROM nightdrop_runs").fetchall()
    took = [(ended - started) / 1000 for started, ended, _ in rows]
    return took, sum(r[2] != "COMPLETED" for r in rows), (max(r[1] for r in rows) - min(r[0] for r in rows)) / 1000


def warm(side: str) -> None:
    """Imports are not part of the measure."""
    if side in ("nightdrop", "batch"):
        import pydantic_ai.models.openai

        import nightdrop.agents.ask
        import nightdrop.public.agent

        assert nightdrop.agents.ask
        assert nightdrop.public.agent
        assert pydantic_ai.models.openai
    if side == "agno":
        import agno.agent
        import agno.db.sqlite
        import agno.models.openai

        assert agno.agent


def main() -> None:
    side, folder, concurrency, scratch = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    warm(side)
    files = sorted(folder.glob("*.pdf"))
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    if side == "workers":
        took, failed, wall = workers(folder, concurrency, scratch)
    else:
        took, failed = asyncio.run(globals()[side](files, concurrency, scratch))
        wall = time.perf_counter() - started
    if side in ("nightdrop", "batch"):
        from nightdrop.engine import reader_pool

        reader_pool().close()  # its children's CPU counts once they have ended
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime - before.ru_utime - before.ru_stime + children.ru_utime + children.ru_stime
    took.sort()
    figures = {
        "docs_per_s": len(files) / wall,
        "cpu_ms": cpu * 1000 / len(files),
        "p99": took[int(len(took) * 0.99)],
        "peak_mb": (children if side == "workers" else own).ru_maxrss / 1024,
        "failed": failed,
    }
    print(json.dumps(figures), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
