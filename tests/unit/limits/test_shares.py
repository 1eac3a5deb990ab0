"""Parts of a limit in the rows, on both databases: what all processes have never exceeds the whole."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from nightdrop.engine.identity import this_process
from nightdrop.store import Database
from nightdrop.store.executors import is_registered, reclaim, register
from nightdrop.store.rates import Demand, Share, fair_part, give_up, learn, renew
from nightdrop.store.tables import rate_shares


def renewed(db: Database, executor: str, *, waiting: int = 0, in_flight: int = 0, places: int | None = 10) -> Share:
    db.transact(lambda c: alive(c, executor))
    demand = Demand(key="k", waiting=waiting, in_flight=in_flight, places=places, width=7.0)
    return db.transact(lambda c: renew(c, executor, demand))


def alive(connection: sa.Connection, executor: str) -> None:
    if not is_registered(connection, executor):
        about = {**this_process().to_row(), "executor_id": executor, "version": "1", "registry": "{}"}
        register(connection, {**about, "lease_ms": 15_000, "concurrency": 4})


def test_one_process_has_it_all_and_a_second_gets_its_half_when_that_is_given_up(db: Database) -> None:
    assert renewed(db, "a", waiting=20).places == 10
    second = renewed(db, "b", waiting=20)
    assert (second.places, second.share, second.others) == (0, 0.0, 1)
    first = renewed(db, "a", waiting=20, in_flight=10)
    assert first.places == 10, "what is under way keeps its place"
    assert first.share == pytest.approx(0.6)
    assert renewed(db, "a", waiting=20, in_flight=4).places == 5
    second = renewed(db, "b", waiting=20)
    assert second.places == 5


def test_whoever_needs_little_leaves_the_rest(db: Database) -> None:
    renewed(db, "a", waiting=2)
    renewed(db, "b", waiting=50)
    assert renewed(db, "a", waiting=2).places == 2
    assert renewed(db, "b", waiting=50).places == 8


def test_a_part_that_nobody_renews_is_free_after_its_lease(db: Database) -> None:
    renewed(db, "dead", waiting=20)
    db.transact(lambda c: c.execute(sa.update(rate_shares).values(renewed_at=rate_shares.c.renewed_at - 6000)))
    assert renewed(db, "b", waiting=1).places == 10


def test_a_part_of_a_process_that_was_found_dead_is_free_at_once(db: Database) -> None:
    renewed(db, "dead", waiting=20)
    assert renewed(db, "b", waiting=1).places == 0
    db.transact(lambda c: reclaim(c, "dead"))
    after = renewed(db, "b", waiting=1)
    assert (after.places, after.share, after.others) == (10, 1.0, 0)


def test_a_process_that_leaves_gives_up_at_once_and_what_was_learned_stays(db: Database) -> None:
    renewed(db, "a", waiting=20)
    db.transact(lambda c: learn(c, "k"))
    db.transact(lambda c: give_up(c, "a"))
    after = renewed(db, "b", waiting=20)
    assert (after.places, after.learned) == (10, 7.0)


def test_parts_never_exceed_the_whole_whatever_happens(db: Database) -> None:
    chance = random.Random(7)
    held: dict[str, int] = {}
    for _ in range(120):
        name = chance.choice("abcd")
        in_flight = chance.randint(0, held.get(name, 0))
        held[name] = renewed(db, name, waiting=chance.randint(0, 30), in_flight=in_flight).places or 0
        with db.read() as connection:
            places, ppm = connection.execute(
                sa.select(sa.func.sum(rate_shares.c.places), sa.func.sum(rate_shares.c.share_ppm))
            ).one()
        assert places <= 10
        assert ppm <= 1_000_000


@pytest.mark.parametrize(
    ("whole", "mine", "others", "part"),
    [(10, 5, [], 10), (10, 5, [5], 5), (10, 1, [20], 1), (10, 20, [1], 9), (10, 0, [0], 5), (3, 9, [9, 9, 9], 0)],
)
def test_fair_parts(whole: int, mine: int, others: list[int], part: int) -> None:
    assert fair_part(whole, mine, others) == part
