"""Batches share: what comes later is not behind all that came earlier, and weights are proportions."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from nightdrop import SqliteDb
from nightdrop.records.request import RunRequest, Subject
from nightdrop.store import attempts, batches
from nightdrop.store.accept import accept
from nightdrop.store.fair_order import keep_ranks, ranks_of, set_share
from nightdrop.store.tables import runs

AGENT = Subject(kind="agent", id="a", revision="r1")
OTHER = Subject(kind="agent", id="b", revision="r1")


@pytest.fixture
def connection(db: SqliteDb) -> Iterator[sa.Connection]:
    """An open write transaction."""
    with db.write() as opened:
        yield opened


class Drop:
    """A batch and what it takes in."""

    def __init__(self, connection: sa.Connection, *, priority: int | None = None, weight: int | None = None) -> None:
        self.connection = connection
        self.id = batches.open_batch(
            connection, AGENT, message="m", source=None, fingerprint=None, user_id=None, now_ms=1
        )
        set_share(connection, self.id, priority, weight)

    def take_in(self, count: int) -> None:
        priority, ranks = ranks_of(self.connection, self.id)
        accept(
            self.connection,
            [
                RunRequest(subject=AGENT, message=str(n), batch_id=self.id, priority=priority, ranks=ranks)
                for n in range(count)
            ],
            1,
        )
        keep_ranks(self.connection, self.id, ranks)


def claimed(connection: sa.Connection, limit: int) -> list[str | None]:
    """Whose runs are taken next, in order; they are done at once."""
    found = [c.run_id for c in attempts.claim(connection, "me", [AGENT], now_ms=1, limit=limit)]
    rows = connection.execute(sa.select(runs.c.run_id, runs.c.batch_id).where(runs.c.run_id.in_(found)))
    of = {row.run_id: row.batch_id for row in rows}
    for earlier in found[:-1]:
        connection.execute(sa.update(runs).where(runs.c.run_id == earlier).values(status="COMPLETED"))
    return [of[run_id] for run_id in found]


def test_a_later_batch_is_interleaved_with_what_is_left_of_an_earlier_one(connection: sa.Connection) -> None:
    nightly = Drop(connection)
    nightly.take_in(300)
    assert set(claimed(connection, 100)) == {nightly.id}
    small = Drop(connection)
    small.take_in(20)
    assert Counter(claimed(connection, 40))[small.id] == pytest.approx(20, abs=2)


def test_before_anything_is_taken_two_batches_go_side_by_side(connection: sa.Connection) -> None:
    first, second = Drop(connection), Drop(connection)
    first.take_in(100)
    second.take_in(100)
    assert Counter(claimed(connection, 50)) == {first.id: 25, second.id: 25}


def test_weights_are_proportions(connection: sa.Connection) -> None:
    heavy, light = Drop(connection, weight=3), Drop(connection)
    for _ in range(10):  # in portions, as sources are listed
        heavy.take_in(30)
        light.take_in(30)
    assert Counter(claimed(connection, 80))[heavy.id] == pytest.approx(60, abs=2)


def test_a_batch_whose_documents_were_all_taken_as_they_came_is_not_punished_for_it(connection: sa.Connection) -> None:
    steady = Drop(connection)
    for _ in range(20):
        steady.take_in(10)
        claimed(connection, 10)
    late = Drop(connection)
    late.take_in(100)
    steady.take_in(100)
    assert Counter(claimed(connection, 60))[steady.id] == pytest.approx(30, abs=2)


def test_priority_comes_before_shares_and_single_runs_before_batches(connection: sa.Connection) -> None:
    nightly, urgent = Drop(connection), Drop(connection, priority=5)
    nightly.take_in(50)
    urgent.take_in(5)
    accept(connection, [RunRequest(subject=AGENT, message="now")], 1)
    assert claimed(connection, 8) == [None, *[urgent.id] * 5, *[nightly.id] * 2]


def test_agents_share_what_a_process_takes_and_leave_nothing_free(connection: sa.Connection) -> None:
    many = [RunRequest(subject=AGENT, message=str(n)) for n in range(50)]
    few = [RunRequest(subject=OTHER, message=str(n)) for n in range(10)]
    of = {a.run_id: r.subject.id for a, r in zip(accept(connection, [*many, *few], 1), [*many, *few], strict=True)}
    got = Counter(of[c.run_id] for c in attempts.claim(connection, "me", [AGENT, OTHER], now_ms=1, limit=10))
    assert got == {"a": 5, "b": 5}
    got = Counter(of[c.run_id] for c in attempts.claim(connection, "me", [AGENT, OTHER], now_ms=1, limit=30))
    assert got == {"a": 25, "b": 5}
    odd = [attempts.claim(connection, "me", [AGENT, OTHER], now_ms=1, limit=1) for _ in itertools.repeat(None, 25)]
    assert sum(len(part) for part in odd) == 20
