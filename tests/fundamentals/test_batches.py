"""A batch: a source of documents, a run for each distinct one."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, BatchStatus, File, NightdropError, RunStatus
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text, scan_png
from tests.fundamentals.conftest import MESSAGE, document, until_async


def numbers(runs: Any) -> list[str]:
    return sorted(run.content.invoice_number for run in runs)


def expected(count: int) -> list[str]:
    return [f"INV-{n:05}" for n in range(count)]


def _sources(folder: Path) -> dict[str, Any]:
    paths = sorted(folder.iterdir())
    manifest = folder.parent / "list.jsonl"
    manifest.write_text("".join(json.dumps({"path": str(p)}) + "\n" for p in paths))
    return {
        "folder": folder,
        "folder as text": str(folder),
        "glob": f"{folder}/*.txt",
        "list of paths": paths,
        "list of text": [str(p) for p in paths],
        "iterator of files": (File(content=p.read_bytes(), filename=p.name) for p in paths),
        "nameless bytes": [File(content=p.read_bytes()) for p in paths],
        "manifest": manifest,
    }


KINDS = ["folder", "folder as text", "glob", "list of paths", "list of text", "iterator of files", "nameless bytes"]


@pytest.mark.parametrize("kind", [*KINDS, "manifest"])
def test_every_kind_of_source(agent: Agent, invoices: Any, kind: str) -> None:
    """A folder, a glob, a list, an iterator, a manifest: each document's run comes back once it has ended."""
    batch = agent.batch(_sources(invoices(4))[kind], MESSAGE)
    runs = list(batch.results())
    assert numbers(runs) == expected(4)
    assert {(run.status, run.batch_id, type(run.content)) for run in runs} == {(RunStatus.COMPLETED, batch.id, Invoice)}
    assert {run.input.message for run in runs} == {MESSAGE}


def test_length_progress_and_wait(agent: Agent, invoices: Any) -> None:
    """`len` is what the source names, `wait` returns the final counts, `progress` the same any time later."""
    folder = invoices(5)
    batch = agent.batch(folder, MESSAGE)
    assert len(batch) == 5
    done = batch.wait(timeout=60)
    assert (done.total, done.done, done.failed, done.skipped, done.documents) == (5, 5, 0, 0, 5)
    assert done.status is BatchStatus.COMPLETED
    assert (done.id, done.agent_id, done.source) == (batch.id, agent.id, str(folder))
    assert done.created_at is not None
    assert done.completed_at is not None
    assert done.created_at <= done.completed_at
    assert batch.progress() == done


async def test_async_all_the_way(agent: Agent, invoices: Any) -> None:
    """`abatch`, `async for`, `aprogress` and `await_done` are the same from an event loop, which stays free."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)

    ticker = asyncio.create_task(tick())
    batch = await agent.abatch(invoices(20), MESSAGE)
    runs = [run async for run in batch.results()]
    assert numbers(runs) == expected(20)
    assert (await batch.await_done()).done == (await batch.aprogress()).done == 20
    ticker.cancel()
    assert ticks > 5


def test_results_can_be_read_again_and_left_early(agent: Agent, invoices: Any) -> None:
    """Leaving the loop early stops nothing; each call to results() starts at the first document."""
    batch = agent.batch(invoices(6), MESSAGE)
    for first in batch.results():
        assert first.status is RunStatus.COMPLETED
        break
    assert numbers(batch.results()) == expected(6)


def test_the_same_batch_again_runs_nothing(agent: Agent, invoices: Any, query: Any) -> None:
    """A document's hash is its session: what has a result is skipped, and its result is there all the same."""
    folder = invoices(3)
    first = {run.run_id for run in agent.batch(folder, MESSAGE).results()}
    again = agent.batch(folder, MESSAGE)
    assert {run.run_id for run in again.results()} == first
    assert (again.progress().done, again.progress().skipped, again.progress().failed) == (3, 3, 0)
    assert query("SELECT count(*), max(dispatches), max(attempt) FROM runs") == [(3, 1, 1)]


def test_only_what_is_new_in_a_folder_is_run(agent: Agent, invoices: Any) -> None:
    """The nightly drop: a later batch over the same folder runs the documents that came since, and the changed ones."""
    folder = invoices(3)
    agent.batch(folder, MESSAGE).wait()
    (folder / "later.txt").write_text(invoice_text(70))
    (folder / "invoice-00001.txt").write_text(invoice_text(71))
    later = agent.batch(folder, MESSAGE).wait()
    assert (later.total, later.done, later.skipped) == (4, 4, 2)


def test_a_duplicate_has_one_result(agent: Agent, invoices: Any) -> None:
    """Two files with the same bytes are one document: one result row, the copy counted as skipped."""
    folder = invoices(2)
    shutil.copy(folder / "invoice-00000.txt", folder / "copy.txt")
    batch = agent.batch(folder, MESSAGE)
    assert numbers(batch.results()) == expected(2)
    progress = batch.progress()
    assert (progress.total, progress.done, progress.skipped, progress.documents) == (3, 3, 1, 2)


@pytest.mark.parametrize("kind", ["paths", "bytes"])
def test_a_document_listed_twice_is_one_document(agent: Agent, invoices: Any, kind: str) -> None:
    """A list that names the same document twice does not fail and does not run it twice."""
    path = next(iter(invoices(1).iterdir()))
    source = [path, path] if kind == "paths" else [document(0), document(0)]
    batch = agent.batch(source, MESSAGE)
    assert numbers(batch.results()) == expected(1)
    progress = batch.progress()
    assert (progress.documents, progress.failed, progress.done) == (1, 0, progress.total)


def test_a_limit_takes_the_first_documents(agent: Agent, invoices: Any) -> None:
    """limit=2 runs the first two in the source's order and no more."""
    assert numbers(agent.batch(invoices(5), MESSAGE, limit=2).results()) == expected(2)


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": -1}, {"concurrency": 0}, {"concurrency": -2}])
def test_a_senseless_option_is_refused(agent: Agent, invoices: Any, wrong: dict[str, int], query: Any) -> None:
    """limit and concurrency below 1 are bad arguments, said before anything is stored."""
    with pytest.raises(NightdropError, match=r"^bad_argument: "):
        agent.batch(invoices(1), MESSAGE, **wrong)
    assert query("SELECT count(*) FROM batches") == [(0,)]


def test_a_source_that_is_not_there_is_refused(agent: Agent, tmp_path: Path, query: Any) -> None:
    """A typo in the source raises source_not_found, and no batch is left behind."""
    for source in (tmp_path / "nothing", f"{tmp_path}/*.pdf"):
        with pytest.raises(NightdropError, match=r"^source_not_found: "):
            agent.batch(source, MESSAGE)
    assert query("SELECT count(*) FROM batches") == [(0,)]


def test_an_empty_folder_is_done_at_once(agent: Agent, tmp_path: Path) -> None:
    """No documents is not an error: the batch is complete with nothing in it."""
    batch = agent.batch(tmp_path, MESSAGE)
    assert list(batch.results()) == []
    assert (len(batch), batch.wait().status) == (0, BatchStatus.COMPLETED)


def test_failed_documents_are_tried_again_only_when_asked(agent: Agent, tmp_path: Path, query: Any) -> None:
    """ERROR is an answer until retry_failed=True: then the run has a second attempt, and its letter is replayed."""
    (tmp_path / "scan.png").write_bytes(scan_png())
    first, second = (agent.batch(tmp_path, MESSAGE).wait() for _ in range(2))
    assert (first.failed, second.failed, second.done) == (1, 1, 1)
    assert query("SELECT status, attempt FROM runs") == [("ERROR", 1)]
    assert agent.batch(tmp_path, MESSAGE, retry_failed=True).wait().failed == 1
    assert query("SELECT status, attempt FROM runs") == [("ERROR", 2)]
    assert query("SELECT attempt, state FROM letters ORDER BY attempt") == [(1, "replayed"), (2, "open")]


def test_rerun_makes_new_runs(agent: Agent, invoices: Any, query: Any) -> None:
    """rerun=True runs every document again; the older results stay as history."""
    folder = invoices(2)
    first = {run.run_id for run in agent.batch(folder, MESSAGE).results()}
    second = {run.run_id for run in agent.batch(folder, MESSAGE, rerun=True).results()}
    assert not first & second
    assert query("SELECT count(*), count(is_current) FROM runs") == [(4, 2)]


def test_an_iterator_is_read_as_it_goes(agent: Agent) -> None:
    """Results of the first documents come while the source is still being listed: nothing waits for its end."""
    seen: list[int] = []

    def endless() -> Iterator[File]:
        for n in range(100_000):
            seen.append(n)
            yield document(n)

    batch = agent.batch(endless(), MESSAGE)
    assert next(iter(batch.results())).status is RunStatus.COMPLETED
    assert len(seen) < 100_000
    batch.cancel()


def test_an_error_of_the_source_reaches_the_reader(agent: Agent) -> None:
    """When the caller's iterator breaks, what came before is run, and the iterator's own error is raised at the end."""

    def breaks() -> Iterator[File]:
        yield document(1)
        raise RuntimeError("the share is gone")

    batch = agent.batch(breaks(), MESSAGE)
    results = iter(batch.results())
    assert next(results).content.invoice_number == "INV-00001"
    with pytest.raises(RuntimeError, match="the share is gone"):
        next(results)
    with pytest.raises(RuntimeError, match="the share is gone"):
        batch.wait()


async def test_another_handle_sees_the_same_counts(agent: Agent, invoices: Any) -> None:
    """Counts come from the rows: a second handle on the same unfinished source is the same batch."""
    folder = invoices(30)
    first = await agent.abatch(folder, MESSAGE)
    second = await agent.abatch(folder, MESSAGE)
    assert first.id == second.id
    await until_async(lambda: second.progress().completed_at is not None)
    assert first.progress() == second.progress()
    assert first.progress().done == 30
