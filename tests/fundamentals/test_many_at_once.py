"""The plain pattern of the field: a semaphore and a gather over `agent.arun`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, File, RunOutput, RunStatus
from tests.fundamentals.conftest import MESSAGE, document, until_async

OPEN = "SELECT count(*) FROM runs WHERE status IN ('PENDING', 'RUNNING')"


async def _all(agent: Agent, files: list[File]) -> list[RunOutput]:
    gate = asyncio.Semaphore(64)

    async def one(file: File) -> RunOutput:
        async with gate:
            return await agent.arun(MESSAGE, files=[file])

    return await asyncio.gather(*[one(file) for file in files])


@pytest.mark.parametrize("stored", [False, True], ids=["without db", "with db"])
async def test_a_thousand_files(agent: Agent, plain_agent: Agent, invoices: Any, query: Any, stored: bool) -> None:
    """A thousand files under a semaphore: each comes back with its own answer, in the order asked."""
    folder: Path = invoices(1000)
    paths = sorted(folder.iterdir())
    runs = await _all(agent if stored else plain_agent, [File(filepath=path) for path in paths])
    assert [run.content.invoice_number for run in runs] == [f"INV-{n:05}" for n in range(1000)]
    assert {run.status for run in runs} == {RunStatus.COMPLETED}
    kept = query("SELECT count(*), count(DISTINCT run_id), max(dispatches) FROM runs")
    assert kept == [(1000, 1000, 1) if stored else (0, 0, None)]


async def test_one_bad_file_does_not_stop_the_others(agent: Agent, query: Any) -> None:
    """With return_exceptions a refused file is an exception in its place; nothing of it is stored."""
    files = [document(0), File(content=b"", filename="empty.txt"), document(2)]
    first, refused, last = await asyncio.gather(
        *[agent.arun(MESSAGE, files=[file]) for file in files], return_exceptions=True
    )
    assert isinstance(first, RunOutput)
    assert isinstance(last, RunOutput)
    assert "file_empty" in str(refused)
    assert query("SELECT status FROM runs") == [("COMPLETED",), ("COMPLETED",)]


@pytest.mark.usefixtures("frozen_readers")
async def test_a_cancelled_gather_leaves_no_open_run(agent: Agent, query: Any) -> None:
    """Cancelling the wait cancels the runs: soon after, no row is open and none is half written."""
    work = asyncio.gather(*[agent.arun(MESSAGE, files=[document(n)]) for n in range(40)])
    await until_async(lambda: query("SELECT 1 FROM runs WHERE status = 'RUNNING'"))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await until_async(lambda: query(OPEN) == [(0,)])
    assert query("SELECT DISTINCT status FROM runs") == [("CANCELLED",)]
    assert query("SELECT count(*) FROM runs WHERE content IS NOT NULL") == [(0,)]


@pytest.mark.usefixtures("frozen_readers")
async def test_a_gather_cancelled_while_runs_are_accepted_leaves_no_open_run(agent: Agent, query: Any) -> None:
    """A run whose row was just being committed is cancelled too: it is not left to run unseen later."""
    await agent.arun(MESSAGE, files=[document(0)], background=True)
    for _ in range(5):
        work = asyncio.gather(*[agent.arun(MESSAGE, files=[document(n)]) for n in range(1, 20)])
        rows = len(query("SELECT 1 FROM runs"))
        await until_async(lambda rows=rows: len(query("SELECT 1 FROM runs")) > rows)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    await until_async(lambda: query(OPEN) == [(1,)], seconds=10)


async def test_a_timeout_around_a_run_cancels_it(agent: Agent, frozen_readers: None, query: Any) -> None:
    """asyncio.timeout works as everywhere: the run ends as CANCELLED and says so."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await agent.arun(MESSAGE, files=[document(1)])
    await until_async(lambda: query(OPEN) == [(0,)])
    (run_id, status), *_ = query("SELECT run_id, status FROM runs")
    assert status == "CANCELLED"
    assert agent.get_run_output(run_id).completed_at is not None
