"""The life of an attempt is compare-and-set: whoever comes second changes nothing."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from nightdrop import FieldResult, RunError, SqliteDb
from nightdrop.records.request import RunRequest, Subject
from nightdrop.store import attempts
from nightdrop.store.accept import accept
from nightdrop.store.load import load_run
from nightdrop.store.release import release
from nightdrop.store.tables import dead_letters, runs

AGENT = Subject(kind="agent", id="a", revision="r1")
ERROR = RunError(code="no_text", message="a scan")


@pytest.fixture
def connection(db: SqliteDb) -> Iterator[sa.Connection]:
    """An open write transaction."""
    with db.write() as opened:
        yield opened


def queued(connection: sa.Connection, count: int = 1, subject: Subject = AGENT) -> list[str]:
    answers = accept(connection, [RunRequest(subject=subject, message=str(n)) for n in range(count)], 1)
    return [answer.run_id for answer in answers]


def begun(connection: sa.Connection) -> str:
    (run_id,) = queued(connection)
    assert [c.run_id for c in attempts.claim(connection, "me", [AGENT], now_ms=1, limit=9)] == [run_id]
    assert attempts.start(connection, run_id, 1, "me", 5)
    return run_id


def done(connection: sa.Connection, run_id: str, attempt: int = 1) -> bool:
    return attempts.complete(
        connection, run_id, attempt, content={"a": 1}, fields={"a": FieldResult(value=1, confidence=0.5)}, now_ms=9
    )


def test_a_claim_takes_in_order_and_only_what_this_process_can_execute(connection: sa.Connection) -> None:
    mine = sorted(queued(connection, 5))
    queued(connection, 2, Subject(kind="agent", id="a", revision="r2"))
    first = attempts.claim(connection, "me", [AGENT], now_ms=1, limit=3)
    assert [c.run_id for c in first] == mine[:3]
    assert {c.dispatches for c in first} == {1}
    assert [c.run_id for c in attempts.claim(connection, "you", [AGENT], now_ms=1, limit=9)] == mine[3:]
    assert attempts.claim(connection, "me", [AGENT], now_ms=1, limit=9) == []
    assert not attempts.has_queued(connection, AGENT, 1)


def test_released_runs_are_claimed_again_and_counted(connection: sa.Connection) -> None:
    run_id = begun(connection)
    assert release(connection, "someone else") == 0
    assert release(connection, "me") == 1
    (again,) = attempts.claim(connection, "you", [AGENT], now_ms=1, limit=9)
    assert (again.run_id, again.attempt, again.dispatches) == (run_id, 1, 2)


def test_only_its_executor_starts_a_run(connection: sa.Connection) -> None:
    (run_id,) = queued(connection)
    attempts.claim(connection, "me", [AGENT], now_ms=1, limit=1)
    assert not attempts.start(connection, run_id, 1, "you", 5)
    assert not attempts.start(connection, run_id, 2, "me", 5)
    assert attempts.start(connection, run_id, 1, "me", 5)


def test_a_result_is_stored_with_its_status(connection: sa.Connection) -> None:
    run_id = begun(connection)
    assert done(connection, run_id)
    run = load_run(connection, run_id)
    assert run is not None
    assert (run.status.value, run.content) == ("COMPLETED", {"a": 1})
    assert run.fields == {"a": FieldResult(value=1, confidence=0.5)}


def test_the_first_end_wins(connection: sa.Connection) -> None:
    run_id = begun(connection)
    assert done(connection, run_id)
    assert not done(connection, run_id)
    assert not attempts.fail(connection, run_id, 1, ERROR, now_ms=9)
    assert not attempts.mark_cancelled(connection, run_id, 1, 9)
    assert attempts.cancel(connection, [run_id], 9) == 0
    assert connection.scalar(sa.select(sa.func.count()).select_from(dead_letters)) == 0
    assert connection.scalar(sa.select(runs.c.status)) == "COMPLETED"


def test_an_error_writes_one_letter_with_it(connection: sa.Connection) -> None:
    run_id = begun(connection)
    assert attempts.fail(connection, run_id, 1, ERROR, now_ms=9)
    assert not attempts.fail(connection, run_id, 1, ERROR, now_ms=9)
    assert not done(connection, run_id)
    assert connection.scalars(sa.select(dead_letters.c.code)).all() == ["no_text"]


def test_cancel_ends_what_waits_and_asks_what_runs(connection: sa.Connection) -> None:
    running = begun(connection)
    (waiting,) = queued(connection)
    assert attempts.cancel(connection, [running, waiting, "unknown"], 9) == 2
    state = {row.run_id: row.status for row in connection.execute(sa.select(runs))}
    assert state == {running: "RUNNING", waiting: "CANCELLED"}
    assert attempts.cancelled_among(connection, "me") == [running]
    assert attempts.mark_cancelled(connection, running, 1, 9)


def test_a_late_answer_of_an_old_attempt_is_ignored(connection: sa.Connection) -> None:
    run_id = begun(connection)
    connection.execute(sa.update(runs).values(attempt=2))
    assert not done(connection, run_id, attempt=1)
    assert done(connection, run_id, attempt=2)


_ROUNDS = 30


def _claim_all(path: str, name: str, barrier: object, out: object) -> None:
    db = SqliteDb(path)
    with db.read():
        pass
    taken: list[str] = []
    for _ in range(_ROUNDS):
        barrier.wait(60)  # type: ignore[attr-defined]
        with db.write() as connection:
            claimed = attempts.claim(connection, name, [AGENT], now_ms=1, limit=5)
        taken += [c.run_id for c in claimed]
    db.close()
    out.put(taken)  # type: ignore[attr-defined]


def test_two_processes_never_claim_the_same_run(tmp_path: Path) -> None:
    db = SqliteDb(tmp_path / "n.db")
    with db.write() as connection:
        everything = queued(connection, 300)
    db.close()
    context = multiprocessing.get_context("spawn")
    barrier, out = context.Barrier(2), context.Queue()
    both = [context.Process(target=_claim_all, args=(str(db.path), name, barrier, out)) for name in ("one", "two")]
    for process in both:
        process.start()
    taken = [out.get(timeout=60) for _ in both]
    for process in both:
        process.join(60)
    assert sorted(taken[0] + taken[1]) == sorted(everything)
    assert [len(share) for share in taken] == [150, 150]
