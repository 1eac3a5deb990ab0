"""Deliveries in the rows: every way to end something writes them in its transaction; each is sent by one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from tests.conftest import rows_at
from tests.postgres import new_database
from tests.unit.store.ends import complete, events, listen, made, started, told

from nightdrop import Delivery, RunError
from nightdrop.records.pause import Pause
from nightdrop.records.webhook import EVENTS, every_event
from nightdrop.store import Database, attempts, pauses, release, schedule_runs
from nightdrop.store import deliveries as rows
from nightdrop.store.accept import try_again
from nightdrop.store.tables import metadata

PROBLEM = RunError(code="no_text", message="a scan")


def cancelled_running(connection: sa.Connection) -> None:
    run_id = started(connection)
    attempts.cancel(connection, [run_id], 7)
    attempts.mark_cancelled(connection, run_id, 1, 8)


def cancelled_and_handed_back(connection: sa.Connection) -> None:
    attempts.cancel(connection, [started(connection)], 7)
    release.release(connection, "x")


def postponed_and_cancelled(connection: sa.Connection) -> None:
    run_id = started(connection)
    attempts.cancel(connection, [run_id], 7)
    attempts.postpone(connection, run_id, 1, executor_id="x", not_before=9)


def poisoned(connection: sa.Connection) -> None:
    started(connection)
    for _ in range(release.MOST_CRASHES):
        connection.exec_driver_sql("UPDATE nightdrop_runs SET status = 'RUNNING', executor_id = 'x'")
        release.release(connection, "x", death="crash")


ENDS: dict[str, tuple[Callable[[sa.Connection], Any], list[str]]] = {
    "completed": (lambda c: complete(c, started(c)), ["run.completed"]),
    "failed": (
        lambda c: attempts.fail(c, started(c), 1, PROBLEM, now_ms=7),
        ["dead_letter.created", "run.error"],
    ),
    "refused as it was accepted": (lambda c: made(c, refused=PROBLEM), ["dead_letter.created", "run.error"]),
    "cancelled while it waited": (lambda c: attempts.cancel(c, [made(c)], 7), ["run.cancelled"]),
    "cancelled while it ran": (cancelled_running, ["run.cancelled"]),
    "cancelled and handed back": (cancelled_and_handed_back, ["run.cancelled"]),
    "cancelled and postponed": (postponed_and_cancelled, ["run.cancelled"]),
    "paused": (lambda c: pauses.pause(c, started(c), 1, Pause(question="Sure?"), 7), ["run.paused"]),
    "poisoned": (poisoned, ["dead_letter.created", "run.error"]),
    "accepted": (made, []),
    "started": (started, []),
    "asked to stop": (lambda c: attempts.cancel(c, [started(c)], 7), []),
}


@pytest.mark.parametrize("way", ENDS)
def test_every_end_is_told_in_its_own_transaction(db: Database, way: str) -> None:
    listen(db)
    act, expected = ENDS[way]

    def broken(connection: sa.Connection) -> None:
        act(connection)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.transact(broken)
    assert told(db) == []
    with db.write() as connection:
        act(connection)
    assert events(db) == expected


def test_what_is_told_of_a_run(db: Database) -> None:
    webhook = listen(db, "run.*")
    with db.write() as connection:
        run_id = started(connection)
        attempts.fail(connection, run_id, 1, PROBLEM, now_ms=7)
    (delivery,) = told(db)
    assert (delivery.webhook_id, delivery.event, delivery.about) == (webhook, "run.error", run_id)
    assert (delivery.state.value, delivery.attempts, len(delivery.id)) == ("pending", 0, 32)
    assert delivery.data == {
        "run_id": run_id,
        "agent_id": "a",
        "workflow_id": None,
        "session_id": run_id,
        "batch_id": None,
        "schedule_run_id": None,
        "status": "ERROR",
        "attempt": 1,
        "error": "no_text",
    }


def test_each_attempt_has_an_end_of_its_own(db: Database) -> None:
    listen(db, "run.*")
    with db.write() as connection:
        run_id = started(connection)
        attempts.fail(connection, run_id, 1, PROBLEM, now_ms=7)
        assert try_again(connection, run_id, 1, 8)
        complete(connection, run_id, 2, 9)
    assert [(d.event, d.data["attempt"]) for d in told(db)] == [("run.error", 1), ("run.completed", 2)]


def test_only_who_asked_is_told(db: Database) -> None:
    """Nobody listens: nothing is written. Two listen: each has the events it named."""
    with db.write() as connection:
        complete(connection, started(connection))
    assert told(db) == []
    first = listen(db, "run.completed", "dead_letter.created")
    second = listen(db, "run.*", "batch.*", url="https://other.example/")
    with db.write() as connection:
        complete(connection, started(connection, 1))
        attempts.fail(connection, started(connection, 2), 1, PROBLEM, now_ms=7)
    assert sorted((d.webhook_id, d.event) for d in told(db)) == sorted(
        [
            (first, "run.completed"),
            (second, "run.completed"),
            (first, "dead_letter.created"),
            (second, "run.error"),
        ]
    )


@pytest.mark.parametrize("status", ["success", "partial", "failed", "timed_out", "skipped", "missed"])
def test_the_end_of_a_fire_is_told(db: Database, status: str) -> None:
    listen(db, "schedule.*")
    with db.write() as connection:
        if status in ("skipped", "missed"):
            schedule_runs.add_schedule_run(connection, "s", 3, status, completed_at=9, error="because")
        else:
            row_id = schedule_runs.add_schedule_run(connection, "s", 3, "pending")
            assert row_id is not None
            schedule_runs.move_schedule_run(connection, row_id, "pending", {"status": "running", "triggered_at": 4})
            schedule_runs.move_schedule_run(connection, row_id, "running", {"status": status, "completed_at": 9})
    (delivery,) = told(db)
    assert delivery.event == f"schedule.{status}"
    assert (delivery.data["schedule_id"], delivery.data["scheduled_for"], delivery.data["status"]) == ("s", 3, status)


def one_due(db: Database) -> str:
    webhook = listen(db, "run.*")
    with db.write() as connection:
        complete(connection, started(connection))
    return webhook


def test_a_delivery_is_one_process_s_until_its_lease_ends(db: Database) -> None:
    webhook = one_due(db)

    def claim(now_ms: int) -> list[Delivery]:
        return db.transact(lambda c: rows.claim_deliveries(c, webhook, now_ms=now_ms, limit=9))

    (mine,) = claim(100)
    assert (mine.attempts, claim(101), claim(100 + rows.LEASE_MS - 1)) == (1, [], [])
    (theirs,) = claim(100 + rows.LEASE_MS)
    assert (theirs.id, theirs.attempts) == (mine.id, 2)
    done = {"state": "delivered", "completed_at": 7}
    assert not db.transact(lambda c: rows.settle_delivery(c, mine, **done))
    assert db.transact(lambda c: rows.settle_delivery(c, theirs, **done))
    assert not db.transact(lambda c: rows.settle_delivery(c, theirs, **done))
    assert claim(10**12) == []


def test_a_delivery_whose_senders_die_every_time_ends_dead(db: Database) -> None:
    webhook = one_due(db)
    for number in range(rows.MOST_ATTEMPTS + 1):
        now_ms = 1000 + number * rows.LEASE_MS
        claimed = db.transact(lambda c, now_ms=now_ms: rows.claim_deliveries(c, webhook, now_ms=now_ms, limit=9))  # type: ignore[misc]
        assert len(claimed) == (1 if number < rows.MOST_ATTEMPTS else 0)
    (delivery,) = told(db)
    assert (delivery.state.value, "died" in (delivery.error or "")) == ("dead", True)


def test_names_and_patterns_of_events() -> None:
    assert every_event(["*"]) == EVENTS
    assert every_event(["run.error", "batch.*"]) == ("run.error", "batch.completed", "batch.cancelled")


def _triggers(place: str) -> list[tuple[Any, ...]]:
    functions = "SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'nightdrop%' ORDER BY 1"
    triggers = "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname LIKE 'nightdrop%' ORDER BY 1"
    found = rows_at(place, functions) + rows_at(place, triggers)
    return [(name, " ".join(text.split()).replace("( ", "(")) for name, text in found]


def test_migrations_make_the_triggers_of_the_code_on_postgres_too() -> None:
    """(On SQLite a test of the house compares all that there is.)"""
    migrated, fresh = new_database(), new_database()
    from nightdrop.store.place import database_at

    db = database_at(migrated)
    with db.read():
        pass
    db.close()
    engine = database_at(fresh)._connect()
    metadata.create_all(engine)
    engine.dispose()
    assert len(_triggers(migrated)) >= 10
    assert _triggers(migrated) == _triggers(fresh)


def test_data_is_json_on_either_database(db: Database, place: str) -> None:
    one_due(db)
    ((text,),) = rows_at(place, "SELECT data FROM nightdrop_webhook_deliveries")
    assert json.loads(text)["status"] == "COMPLETED"
