"""The same call over a source that was finished: what has not changed is not read again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent
from nightdrop.retention import forget
from tests.conftest import invoice_text
from tests.fundamentals.conftest import MESSAGE


def swap_unseen(path: Path, text: str) -> None:
    """Other content of the same size and time: only who reads it knows."""
    before = path.stat()
    assert len(text) == before.st_size
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def numbers(agent: Agent, folder: Path, **options: Any) -> list[str]:
    batch = agent.batch(folder, MESSAGE, **options)
    batch.wait(60)
    return sorted(run.content.invoice_number for run in batch.results() if run.content is not None)


@pytest.fixture
def folder(agent: Agent, invoices: Any) -> Path:
    """Five documents, one of them twice, whose batch has ended."""
    made: Path = invoices(5)
    (made / "twice.txt").write_text(invoice_text(0))
    agent.batch(made, MESSAGE).wait(60)
    return made


def test_what_has_not_changed_is_not_read(agent: Agent, folder: Path) -> None:
    swap_unseen(folder / "invoice-00001.txt", invoice_text(6))
    (folder / "invoice-00002.txt").write_text(invoice_text(77))
    batch = agent.batch(folder, MESSAGE)
    now = batch.wait(60)
    assert (now.total, now.done, now.failed, now.skipped) == (6, 6, 0, 5)
    found = sorted(run.content.invoice_number for run in batch.results())
    assert found == ["INV-00000", "INV-00001", "INV-00003", "INV-00004", "INV-00077"]
    again = agent.batch(folder, MESSAGE).wait(60)  # what was carried over is carried over once more
    assert (again.total, again.done, again.skipped) == (6, 6, 6)


def test_a_rerun_reads_everything(agent: Agent, folder: Path) -> None:
    swap_unseen(folder / "invoice-00001.txt", invoice_text(6))
    assert "INV-00006" in numbers(agent, folder, rerun=True)


def test_another_message_reads_everything(agent: Agent, folder: Path) -> None:
    swap_unseen(folder / "invoice-00001.txt", invoice_text(6))
    batch = agent.batch(folder, "Something else.")
    batch.wait(60)
    assert "INV-00006" in [run.content.invoice_number for run in batch.results()]


def test_what_failed_is_read_again(agent: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    text = invoice_text(1)
    (folder / "a.pdf").write_text("x" * len(text))
    assert agent.batch(folder, MESSAGE).wait(60).failed == 1
    (folder / "b.txt").write_text(text)
    swap_unseen(folder / "a.pdf", "%PDF" + "y" * (len(text) - 4))
    now = agent.batch(folder, MESSAGE).wait(60)
    assert (now.done, now.failed, now.skipped) == (2, 1, 0)


def test_what_was_forgotten_is_read_again(agent: Agent, folder: Path) -> None:
    assert agent.db is not None
    (run,) = [r for r in agent.batch(folder, MESSAGE).results() if r.content.invoice_number == "INV-00001"]
    forget(agent.db, run.input.files[0].sha256)
    swap_unseen(folder / "invoice-00001.txt", invoice_text(6))
    found = numbers(agent, folder)
    assert ("INV-00001" in found, "INV-00006" in found) == (False, True)


def test_a_document_with_another_result_since_is_read_again(agent: Agent, folder: Path) -> None:
    (run,) = [r for r in agent.batch(folder, MESSAGE).results() if r.content.invoice_number == "INV-00001"]
    agent.run("Another message.", files=[folder / "invoice-00001.txt"], session_id=run.session_id)
    swap_unseen(folder / "invoice-00001.txt", invoice_text(6))
    assert "INV-00006" in numbers(agent, folder)
