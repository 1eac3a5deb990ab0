"""The end of a batch is a fact of many rows: told once by whoever sees it first, and again when it ends again."""

from __future__ import annotations

import sqlalchemy as sa
from tests.unit.store.ends import AGENT, complete, listen, made, told

from nightdrop import RunError
from nightdrop.store import Database, attempts, batch_control, batches
from nightdrop.store import deliveries as rows
from nightdrop.store.accept import try_again
from nightdrop.store.tables import webhook_batches

PROBLEM = RunError(code="no_text", message="a scan")


def batch_of(connection: sa.Connection, count: int) -> tuple[str, list[str]]:
    batch_id = batches.open_batch(
        connection, AGENT, message="m", source="drop", fingerprint=None, user_id=None, now_ms=1
    )
    run_ids = [made(connection, n, batch_id=batch_id) for n in range(count)]
    given = [
        {"batch_id": batch_id, "file": f"{n}", "position": n, "version": "v", "run_id": r, "disposition": "new"}
        for n, r in enumerate(run_ids)
    ]
    if given:
        batches.add_items(connection, given)
    return batch_id, run_ids


def look(db: Database) -> list[str]:
    """What the courier does about batches; events told so far."""
    with db.read() as connection:
        touched = rows.touched_batches(connection)
        over = [batch_id for batch_id in touched if rows.is_over(connection, batch_id)]
    for batch_id in over:
        db.transact(lambda c, batch_id=batch_id: rows.tell_batch(c, batch_id))  # type: ignore[misc]
    return [d.event for d in told(db)]


def test_a_batch_is_told_when_its_last_document_has_ended_once(db: Database) -> None:
    listen(db, "batch.*")
    with db.write() as connection:
        batch_id, (first, second) = batch_of(connection, 2)
        complete(connection, first)
    assert look(db) == []
    with db.write() as connection:
        complete(connection, second, at=9)
    assert look(db) == []  # more may be listed
    with db.write() as connection:
        batches.close_acceptance(connection, batch_id, 10)
    assert look(db) == look(db) == ["batch.completed"]
    (delivery,) = told(db)
    assert (delivery.about, delivery.data["batch_id"]) == (batch_id, batch_id)
    assert (delivery.data["total"], delivery.data["done"], delivery.data["failed"]) == (2, 2, 0)


def test_a_batch_that_ends_again_is_told_again(db: Database) -> None:
    listen(db, "batch.*")
    with db.write() as connection:
        batch_id, (run_id,) = batch_of(connection, 1)
        batches.close_acceptance(connection, batch_id, 6)
        attempts.fail(connection, run_id, 1, PROBLEM, now_ms=7)
    assert look(db) == ["batch.completed"]
    with db.write() as connection:
        try_again(connection, run_id, 1, 8)
    assert look(db) == ["batch.completed"]
    with db.write() as connection:
        complete(connection, run_id, 2, 9)
    assert look(db) == ["batch.completed"] * 2
    assert [d.data["failed"] for d in told(db)] == [1, 0]


def test_an_empty_batch_and_a_cancelled_one_are_told(db: Database) -> None:
    listen(db, "batch.*")
    with db.write() as connection:
        empty, _ = batch_of(connection, 0)
        batches.close_acceptance(connection, empty, 2)
    assert look(db) == ["batch.completed"]
    with db.write() as connection:
        batch_id, _ = batch_of(connection, 2)
        open_runs = batch_control.cancel_batch(connection, batch_id, 3)
        batch_control.cancel_own(connection, batch_id, open_runs, 3)
    assert sorted(look(db)) == ["batch.cancelled", "batch.completed"]


def test_a_batch_that_goes_on_keeps_its_mark(db: Database) -> None:
    """Whoever looked too early leaves the mark: the end that is being committed meanwhile does not write another."""
    listen(db, "batch.*")
    with db.write() as connection:
        batch_id, (first, _) = batch_of(connection, 2)
        batches.close_acceptance(connection, batch_id, 6)
        complete(connection, first)
    assert db.transact(lambda c: rows.tell_batch(c, batch_id)) is False
    with db.read() as connection:
        assert list(connection.scalars(sa.select(webhook_batches.c.batch_id))) == [batch_id]
