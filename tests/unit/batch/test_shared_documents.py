"""Batches that share documents, and folders that hold the database itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import invoice_text

from nightdrop import Agent, File, SqliteDb, UsageError
from nightdrop.schemas import Invoice
from nightdrop.testing import SimulatedProvider


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedProvider]:
    with SimulatedProvider(latency=0.3) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def _paid(db: SqliteDb) -> Agent:
    return Agent(id="paid", model="openai-chat:gpt-4o-mini", output_schema=Invoice, db=db)


def test_cancelling_a_batch_leaves_documents_that_another_waits_for(
    provider: SimulatedProvider, db: SqliteDb, invoices: Any
) -> None:
    agent = _paid(db)
    everything, some = invoices(20, "everything"), invoices(10, "some")
    first = agent.batch(everything, "Read.", concurrency=2)
    assert len(first) == 20
    second = agent.batch(some, "Read.")
    assert len(second) == 10
    second.cancel()
    done = first.wait(timeout=60)
    assert (done.done, done.failed) == (20, 0)
    assert len(provider.meter.calls) == 20


def test_resuming_pays_nothing_that_another_batch_has_paid_since(
    provider: SimulatedProvider, db: SqliteDb, invoices: Any
) -> None:
    agent, folder = _paid(db), invoices(6)
    first = agent.batch(folder, "Read.", concurrency=2)
    assert len(first) == 6
    first.cancel()
    agent.batch(folder, "Read.").wait(timeout=60)
    paid = len(provider.meter.calls)
    done = first.resume().wait(timeout=60)
    assert (done.total, done.done, done.failed) == (6, 6, 0)
    assert len(provider.meter.calls) == paid


def test_a_generator_loses_nothing_between_cancel_and_resume(db: SqliteDb) -> None:
    handed: list[int] = []

    def documents() -> Iterator[File]:
        for number in range(1200):
            handed.append(number)
            yield File(content=invoice_text(number).encode(), filename=f"{number}.txt")

    batch = Agent(model="local", output_schema=Invoice, db=db).batch(documents(), "Read.")
    while len(handed) < 600:
        assert batch.progress().total <= 1200
    batch.cancel()
    assert batch.resume().wait(timeout=100).total == 1200


def test_a_folder_that_holds_the_database_reads_only_documents(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(invoice_text(1))
    db = SqliteDb(tmp_path / "nightdrop.db")
    agent = Agent(model="local", output_schema=Invoice, db=db)
    for _ in range(2):
        done = agent.batch(tmp_path, "Read.").wait(timeout=60)
        assert (done.total, done.failed) == (1, 0)
    db.close()


def test_a_price_list_with_a_mistake_is_said_before_anything_is_paid(
    provider: SimulatedProvider, db: SqliteDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('["gpt-4o-mini"]\ninput = "2,50"\n')
    monkeypatch.setenv("NIGHTDROP_PRICES", str(prices))
    with pytest.raises(UsageError, match="price list"):
        _paid(db).run("Read.", files=[File(content=b"x", filename="a.txt")])
    assert provider.meter.calls == ()
