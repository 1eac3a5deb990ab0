"""The session rules, at the function that decides them: which run answers a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from nightdrop import RunError, SqliteDb
from nightdrop.records import FileRef
from nightdrop.records.request import Accepted, RunRequest, Subject
from nightdrop.store import attempts
from nightdrop.store.accept import accept, try_again
from nightdrop.store.tables import dead_letters, runs

AGENT = Subject(kind="agent", id="a", revision="r1")
REQUEST = RunRequest(subject=AGENT, message="m", files=(FileRef(sha256="f" * 64),), session_id="s")
ERROR = RunError(code="no_text", message="a scan")


@pytest.fixture
def connection(db: SqliteDb) -> Iterator[sa.Connection]:
    """An open write transaction."""
    with db.write() as opened:
        yield opened


def ask(connection: sa.Connection, request: RunRequest = REQUEST, **changes: Any) -> Accepted:
    (answer,) = accept(connection, [replace(request, **changes)], 1)
    return answer


def end(connection: sa.Connection, run: Accepted, status: str) -> None:
    if status == "ERROR":
        assert attempts.fail(connection, run.run_id, run.attempt, ERROR, now_ms=2)
    elif status == "CANCELLED":
        assert attempts.cancel(connection, [run.run_id], 2) == 1
    else:
        connection.execute(sa.update(runs).where(runs.c.run_id == run.run_id).values(status=status))


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "COMPLETED", "PAUSED", "ERROR"])
def test_the_sessions_run_answers(connection: sa.Connection, status: str) -> None:
    first = ask(connection)
    end(connection, first, status)
    again = ask(connection)
    assert (again.run_id, again.status.value, again.fresh) == (first.run_id, status, False)


def test_a_cancelled_one_is_replaced(connection: sa.Connection) -> None:
    first = ask(connection)
    end(connection, first, "CANCELLED")
    assert ask(connection).run_id != first.run_id


@pytest.mark.parametrize(
    "change",
    [
        {"message": "other"},
        {"files": (FileRef(sha256="e" * 64),)},
        {"files": ()},
        {"subject": replace(AGENT, revision="r2")},
        {"rerun": True},
    ],
    ids=["message", "document", "no document", "revision", "rerun"],
)
def test_another_input_or_revision_or_a_rerun_replaces_it(connection: sa.Connection, change: dict[str, Any]) -> None:
    first = ask(connection)
    second = ask(connection, **change)
    assert second.fresh
    rows = connection.execute(sa.select(runs.c.run_id, runs.c.is_current).order_by(runs.c.run_id)).all()
    assert [tuple(row) for row in rows] == [(first.run_id, None), (second.run_id, True)]


@pytest.mark.parametrize("other", [{"subject": replace(AGENT, id="b")}, {"subject": replace(AGENT, kind="workflow")}])
def test_sessions_of_others_are_others(connection: sa.Connection, other: dict[str, Any]) -> None:
    assert ask(connection).run_id != ask(connection, **other).run_id


def test_no_session_is_always_new(connection: sa.Connection) -> None:
    assert ask(connection, session_id=None).run_id != ask(connection, session_id=None).run_id


def test_retry_failed_tries_the_same_run_again(connection: sa.Connection) -> None:
    first = ask(connection)
    end(connection, first, "ERROR")
    again = ask(connection, retry_failed=True)
    assert (again.run_id, again.attempt, again.status.value, again.fresh) == (first.run_id, 2, "PENDING", True)
    assert connection.scalar(sa.select(dead_letters.c.state)) == "replayed"
    assert not try_again(connection, first.run_id, 1, 3), "the first attempt cannot be tried again twice"


def test_retry_failed_leaves_what_did_not_fail(connection: sa.Connection) -> None:
    first = ask(connection)
    end(connection, first, "COMPLETED")
    assert not ask(connection, retry_failed=True).fresh


def test_a_refused_document_ends_as_it_starts(connection: sa.Connection) -> None:
    run = ask(connection, refused=ERROR)
    assert run.status.value == "ERROR"
    letter = connection.execute(sa.select(dead_letters)).mappings().one()
    assert (letter["run_id"], letter["code"], letter["state"], letter["attempt"]) == (run.run_id, "no_text", "open", 1)


def test_one_call_holding_the_same_session_twice(connection: sa.Connection) -> None:
    """Within one chunk: the same input joins, another input replaces, a rerun is made once."""
    same, joined, other = accept(connection, [REQUEST, REQUEST, replace(REQUEST, message="other")], 1)
    assert (joined.run_id, joined.fresh) == (same.run_id, False)
    assert other.run_id != same.run_id
    again = [replace(REQUEST, message="other", rerun=True)] * 2
    one, two = accept(connection, again, 2)
    assert one.run_id == two.run_id != other.run_id
    current = connection.scalars(sa.select(runs.c.run_id).where(runs.c.is_current)).all()
    assert current == [one.run_id]


def test_the_rows_themselves_hold_one_current_run_a_session(connection: sa.Connection) -> None:
    run = ask(connection)
    columns = ", ".join(c.name for c in runs.c if c.name != "run_id")
    with pytest.raises(sa.exc.IntegrityError):
        connection.exec_driver_sql(
            f"INSERT INTO nightdrop_runs (run_id, {columns}) SELECT 'x', {columns} FROM nightdrop_runs "
            f"WHERE run_id = '{run.run_id}'"
        )


def test_the_input_is_the_message_and_the_hashes_in_order() -> None:
    one, two = FileRef(sha256="1" * 64, filename="a"), FileRef(sha256="2" * 64)
    base = replace(REQUEST, files=(one, two)).input_hash
    assert replace(REQUEST, files=(replace(one, filename="b", source="x"), two)).input_hash == base
    assert replace(REQUEST, files=(two, one)).input_hash != base
    assert replace(REQUEST, files=(one, two), message="n").input_hash != base
    nameless = [replace(REQUEST, files=(FileRef(sha256=None, source=s),)).input_hash for s in ("a", "b")]
    assert nameless[0] != nameless[1]
