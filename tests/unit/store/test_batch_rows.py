"""Batches in the rows: which one a call continues, and counts that come from the runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from nightdrop import BatchStatus, RunError, SqliteDb
from nightdrop.records.request import RunRequest, Subject
from nightdrop.store import attempts, batch_control, batches
from nightdrop.store.accept import accept
from nightdrop.store.dead_letters import list_dead_letters

AGENT = Subject(kind="agent", id="a", revision="r1")


@pytest.fixture
def connection(db: SqliteDb) -> Iterator[sa.Connection]:
    """An open write transaction."""
    with db.write() as opened:
        yield opened


def opened(connection: sa.Connection, fingerprint: str | None = "f", now_ms: int = 1) -> str:
    return batches.open_batch(
        connection, AGENT, message="m", source="drop", fingerprint=fingerprint, user_id=None, now_ms=now_ms
    )


def add(connection: sa.Connection, batch_id: str, *dispositions: str) -> list[str]:
    """Items with a run each, a duplicate with the run before it."""
    run_ids: list[str] = []
    for n, disposition in enumerate(dispositions):
        if disposition != "duplicate":
            (run,) = accept(connection, [RunRequest(subject=AGENT, message=f"{batch_id}{n}")], 1)
        run_ids.append(run.run_id)
        row = {"batch_id": batch_id, "file": f"{n}.txt", "position": n + 1, "version": "v"}
        batches.add_items(connection, [row | {"run_id": run.run_id, "disposition": disposition}])
    return run_ids


def counts(connection: sa.Connection, batch_id: str) -> tuple[int, ...]:
    p = batches.load_batch(connection, batch_id)
    assert p is not None
    return p.total, p.done, p.failed, p.skipped, p.documents


def test_an_unfinished_batch_is_continued_a_finished_one_is_not(connection: sa.Connection) -> None:
    first = opened(connection)
    assert opened(connection) == first
    assert opened(connection, "other") != first
    batches.close_acceptance(connection, first, 2)
    assert opened(connection) != first


def test_a_source_without_a_name_is_always_a_new_batch(connection: sa.Connection) -> None:
    assert opened(connection, None) != opened(connection, None)


def test_a_cancelled_batch_is_not_continued_by_the_same_call(connection: sa.Connection) -> None:
    first = opened(connection)
    batch_control.cancel_batch(connection, first, 2)
    assert opened(connection) != first


def test_counts_follow_the_runs(connection: sa.Connection) -> None:
    batch_id = opened(connection)
    new, known, same = add(connection, batch_id, "new", "known", "duplicate")
    assert known == same
    assert counts(connection, batch_id) == (3, 0, 0, 0, 2)
    attempts.complete(connection, known, 1, content={}, fields={}, now_ms=3)
    assert counts(connection, batch_id) == (3, 2, 0, 2, 2)
    attempts.fail(connection, new, 1, RunError(code="no_text", message="a scan"), now_ms=4)
    assert counts(connection, batch_id) == (3, 3, 1, 2, 2)


def test_the_status_goes_from_accepting_to_running_to_completed(connection: sa.Connection) -> None:
    batch_id = opened(connection)
    (run_id,) = add(connection, batch_id, "new")

    def status() -> BatchStatus:
        found = batches.load_batch(connection, batch_id)
        assert found is not None
        assert (found.completed_at is None) == (found.status is not BatchStatus.COMPLETED)
        return found.status

    assert status() is BatchStatus.ACCEPTING
    batches.close_acceptance(connection, batch_id, 2)
    assert status() is BatchStatus.RUNNING
    attempts.complete(connection, run_id, 1, content={}, fields={}, now_ms=3)
    assert status() is BatchStatus.COMPLETED


def test_items_are_distinct_documents_in_order_of_the_source(connection: sa.Connection) -> None:
    batch_id = opened(connection)
    one, _, two = add(connection, batch_id, "new", "duplicate", "new")
    assert batches.items_after(connection, batch_id, 0) == [(1, one, "0.txt"), (3, two, "2.txt")]
    assert batches.items_after(connection, batch_id, 1) == [(3, two, "2.txt")]
    assert batches.items_after(connection, batch_id, 0, limit=1) == [(1, one, "0.txt")]
    assert batches.last_position(connection, batch_id) == 3


def test_a_changed_file_takes_its_new_run(connection: sa.Connection) -> None:
    batch_id = opened(connection)
    add(connection, batch_id, "new")
    (run,) = accept(connection, [RunRequest(subject=AGENT, message="again")], 1)
    row = {"batch_id": batch_id, "file": "0.txt", "position": 2, "version": "w", "disposition": "new"}
    batches.add_items(connection, [row | {"run_id": run.run_id}])
    assert batches.items_after(connection, batch_id, 0) == [(2, run.run_id, "0.txt")]
    assert batches.known_items(connection, batch_id, ["0.txt", "1.txt"]) == {"0.txt": "w"}


def test_cancel_and_resume(connection: sa.Connection) -> None:
    batch_id = opened(connection)
    done, waiting = add(connection, batch_id, "new", "new")
    attempts.complete(connection, done, 1, content={}, fields={}, now_ms=3)
    assert batch_control.cancel_batch(connection, batch_id, 4) == [waiting]
    attempts.cancel(connection, [waiting], 4)
    assert counts(connection, batch_id) == (2, 2, 1, 0, 2)
    assert batch_control.resume_batch(connection, batch_id) == [waiting]
    batch_control.try_all_again(connection, [waiting], 5)
    assert counts(connection, batch_id) == (2, 1, 0, 0, 2)


def test_lists_are_newest_first_and_paged(connection: sa.Connection) -> None:
    made = [opened(connection, None, now_ms) for now_ms in (1, 2, 3)]
    assert [b.id for b in batches.list_batches(connection)] == made[::-1]
    assert [b.id for b in batches.list_batches(connection, before=made[2], limit=1)] == [made[1]]
    assert batches.load_batch(connection, "nothing") is None


def test_dead_letters_of_a_batch(connection: sa.Connection) -> None:
    batch_id = opened(connection)
    (run_id,) = add(connection, batch_id, "new")
    (other,) = accept(connection, [RunRequest(subject=AGENT, message="elsewhere")], 1)
    for one in (run_id, other.run_id):
        attempts.fail(connection, one, 1, RunError(code="no_text", message="a scan"), now_ms=4)
    assert [letter.run_id for letter in list_dead_letters(connection, batch_id=batch_id)] == [run_id]
    assert len(list_dead_letters(connection)) == 2


def test_cancelling_spares_what_another_batch_joined_after_the_first_look(connection: sa.Connection) -> None:
    batch_id, other = opened(connection), opened(connection, "other")
    mine, shared = add(connection, batch_id, "new", "new")
    assert sorted(batch_control.cancel_batch(connection, batch_id, 4)) == sorted([mine, shared])
    row = {"batch_id": other, "file": "s.txt", "position": 1, "version": "v", "disposition": "known", "run_id": shared}
    batches.add_items(connection, [row])
    assert batch_control.cancel_own(connection, batch_id, [mine, shared], 4) == [mine]
    assert counts(connection, other) == (1, 0, 0, 0, 1)
