"""Stopping a batch and going on with it."""

from __future__ import annotations

import asyncio
import itertools
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, BatchStatus, File, RunStatus, Step, StepInput, Workflow
from nightdrop.store import Database
from tests.fundamentals.conftest import MESSAGE, document, until

OPEN = "SELECT count(*) FROM runs WHERE status IN ('PENDING', 'RUNNING')"


@pytest.mark.usefixtures("frozen_readers")
def test_cancel_stops_what_waits_and_what_runs(agent: Agent, invoices: Any, query: Any) -> None:
    """cancel() says how many were open; soon none is, and the batch is CANCELLED with all of them failed."""
    batch = agent.batch(invoices(30), MESSAGE)
    assert len(batch) == 30
    assert batch.cancel() == 30
    until(lambda: query(OPEN) == [(0,)])
    progress = batch.progress()
    assert (progress.status, progress.done, progress.failed) == (BatchStatus.CANCELLED, 30, 30)
    assert {run.status for run in batch.results()} == {RunStatus.CANCELLED}


def test_resume_finishes_a_cancelled_batch(agent: Agent, invoices: Any, request: Any) -> None:
    """resume() tries what was cancelled again, and every document ends with its result."""
    request.getfixturevalue("frozen_readers")
    batch = agent.batch(invoices(12), MESSAGE)
    assert len(batch) == 12
    batch.cancel()
    until(lambda: batch.progress().done == 12)
    from tests.fundamentals.conftest import thaw

    thaw()
    done = batch.resume().wait(timeout=60)
    assert (done.status, done.done, done.failed) == (BatchStatus.COMPLETED, 12, 0)
    assert {run.status for run in batch.results()} == {RunStatus.COMPLETED}


def test_resume_waits_for_a_cancelled_attempt_that_still_ends(db: Database, tmp_path: Path) -> None:
    """The next attempt begins when the one before has left, soon, and no recorded step is begun again."""
    begun: list[str] = []

    def first(given: StepInput) -> str:
        begun.append("first")
        return "one"

    async def second(given: StepInput) -> str:
        begun.append("second")
        if begun.count("second") == 1:
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.5)  # what it still has to put in order
                begun.append("second has left")
        return f"{given.get_step_content('first')} and two"

    steps = [Step(name="first", executor=first), Step(name="second", executor=second)]
    workflow = Workflow(id=f"slow-to-leave-{uuid.uuid4().hex[:8]}", db=db, steps=steps)
    (tmp_path / "a.txt").write_text("a")
    batch = workflow.batch(tmp_path / "a.txt", MESSAGE)
    until(lambda: "second" in begun)
    for _ in range(2):  # asking again does not break off what it puts in order
        batch.cancel()
    done = batch.resume().wait(timeout=15)
    assert (done.status, done.done, done.failed) == (BatchStatus.COMPLETED, 1, 0)
    assert [run.content for run in batch.results()] == ["one and two"]
    assert begun == ["first", "second", "second has left", "second"]


def test_a_batch_cancelled_while_it_is_listed_has_an_end(agent: Agent) -> None:
    """After cancel() nothing more is listed; results(), len and wait() end instead of failing or waiting for ever."""

    def endless() -> Iterator[File]:
        return (document(n) for n in itertools.count())

    batch = agent.batch(endless(), MESSAGE)
    until(lambda: batch.progress().total >= 500)
    batch.cancel()
    until(lambda: (now := batch.progress()).done == now.total)
    total = batch.progress().total
    assert len(batch) == total
    assert batch.wait(timeout=30).done == total
    assert len(list(batch.results())) == total
    assert batch.progress().total == total


async def test_a_cancelled_batch_does_not_cancel_its_reader(agent: Agent) -> None:
    """In async code the end of a cancelled batch is an end of the loop, not a CancelledError in the caller's task."""
    batch = await agent.abatch((document(n) for n in range(1500)), MESSAGE)
    seen = 0
    async for _ in batch.results():
        seen += 1
        if seen == 1:
            await batch.acancel()
    assert seen == batch.progress().total
    assert not asyncio.current_task().cancelling()  # type: ignore[union-attr]


def test_resume_after_a_broken_listing_makes_no_second_batch(agent: Agent, query: Any) -> None:
    """A source that broke is listed again by resume(), into the same batch."""

    class Share:
        """Breaks once after its second document."""

        broken = False

        def __iter__(self) -> Iterator[File]:
            for n in range(4):
                if n == 2 and not self.broken:
                    self.broken = True
                    raise OSError("the share is away")
                yield document(n)

    batch = agent.batch(Share(), MESSAGE)
    with pytest.raises(OSError, match="the share is away"):
        batch.wait(timeout=60)
    done = batch.resume().wait(timeout=60)
    assert (done.total, done.done, done.failed) == (4, 4, 0)
    assert query("SELECT count(*) FROM batches") == [(1,)]


@pytest.mark.usefixtures("frozen_readers")
def test_wait_gives_up_after_its_timeout(agent: Agent, invoices: Any) -> None:
    """wait(timeout=) raises TimeoutError; the batch goes on."""
    batch = agent.batch(invoices(2), MESSAGE)
    with pytest.raises(TimeoutError):
        batch.wait(timeout=0.2)
    assert batch.progress().done == 0


def test_a_batch_cancelled_after_its_end_stays_complete(agent: Agent, invoices: Any) -> None:
    """There is nothing left to cancel: cancel() says 0 and the results keep standing."""
    batch = agent.batch(invoices(2), MESSAGE)
    batch.wait()
    assert batch.cancel() == 0
    progress = batch.progress()
    assert (progress.status, progress.done, progress.failed) == (BatchStatus.COMPLETED, 2, 0)
    assert {run.status for run in batch.results()} == {RunStatus.COMPLETED}


def test_a_sync_loop_over_results_in_several_threads(agent: Agent, invoices: Any) -> None:
    """Two readers of one batch both see every document."""
    batch = agent.batch(invoices(10), MESSAGE)
    counts: list[int] = []
    readers = [threading.Thread(target=lambda: counts.append(len(list(batch.results())))) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
    assert counts == [10, 10]
