"""Reserving in the ledger's rows: exact over processes, clocks that differ, and acknowledgements that were lost."""

from __future__ import annotations

import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import sqlalchemy as sa
from tests.conftest import rows_at

from nightdrop.errors import BudgetExceeded
from nightdrop.records.budget import Budget, Cap, Need, Purse
from nightdrop.records.model_call import CallClosed, CallOpened, Price, Usage
from nightdrop.store import Database
from nightdrop.store.model_calls import close_call, leave_open
from nightdrop.store.reservations import Reserved, Tally, reserve, spent
from nightdrop.store.tables import model_calls, runs

NOON = 1_800_014_400_000
DAY = Cap(kind="per_day", key="a", pico=1_000, on_exceeded="fail", since=NOON - 43_200_000, until=NOON + 43_200_000)
TEN = Need(input_pico=4, token_pico=1, most=6, least=6)
ids = (f"call-{n:05}" for n in range(10**5))


@pytest.fixture(autouse=True)
def two_agents(db: Database) -> None:
    """A run of agent a and one of agent b."""
    row = {"kind": "agent", "revision": "1", "input_hash": "i", "status": "RUNNING", "message": "", "created_at": 1}
    with db.write() as connection:
        for name in ("a", "b"):
            connection.execute(sa.insert(runs).values(**row, run_id=name, session_id=name, subject_id=name))


def call(at: int = NOON, run: str = "a", call_id: str | None = None) -> CallOpened:
    return CallOpened(call_id=call_id or next(ids), run_id=run, attempt=1, provider="p", model="m", opened_at=at)


def take(
    db: Database,
    opened: CallOpened,
    need: Need = TEN,
    caps: tuple[Cap, ...] = (DAY,),
    known: Mapping[str, Tally] | None = None,
) -> Reserved:
    return db.transact(partial(reserve, call=opened, need=need, caps=caps, known=known or {}, alive_since=0))


def close(db: Database, call_id: str, pico: int | None) -> None:
    end = CallClosed(
        outcome="answered", closed_at=NOON + 5, usage=Usage(), price=Price(cost_pico=pico, source="prices")
    )
    db.transact(partial(close_call, call_id=call_id, end=end))


def test_what_is_open_counts_as_reserved_and_what_is_closed_as_paid(db: Database) -> None:
    first, second, lost, unpriced = (call() for _ in range(4))
    for opened in (first, second, lost, unpriced, call(run="b")):
        take(db, opened)
    close(db, first.call_id, 3)
    close(db, second.call_id, 25)
    close(db, unpriced.call_id, None)
    db.transact(partial(leave_open, call_id=lost.call_id, outcome="provider_unavailable"))
    with db.read() as connection:
        assert spent(connection, DAY) == 3 + 25 + 10 + 10


def test_a_refused_call_leaves_no_row(db: Database, place: str) -> None:
    take(db, call(), Need(input_pico=995, token_pico=1, most=0, least=0))
    with pytest.raises(BudgetExceeded) as refused:
        take(db, call())
    assert refused.value.wait_seconds == 3, "what is under way may turn out to cost less"
    assert rows_at(place, "SELECT count(*) FROM nightdrop_model_calls") == [(1,)]


@pytest.mark.parametrize(
    ("mode", "kind", "wait"), [("fail", "per_day", None), ("wait", "per_day", 60.0), ("wait", "per_run", None)]
)
def test_what_was_spent_fails_or_waits(db: Database, mode: str, kind: str, wait: float | None) -> None:
    cap = Cap(kind=kind, key="a", pico=1_000, on_exceeded=mode, since=DAY.since, until=DAY.until)
    opened = call()
    take(db, opened, Need(input_pico=1, token_pico=1, most=1, least=1), (cap,))
    close(db, opened.call_id, 995)
    with pytest.raises(BudgetExceeded) as refused:
        take(db, call(), TEN, (cap,))
    assert refused.value.wait_seconds == wait
    with pytest.raises(BudgetExceeded) as refused:
        take(db, call(), Need(input_pico=2_000, token_pico=1, most=1, least=1), (cap,))
    assert refused.value.wait_seconds is None, "it never fits"


def test_the_length_of_an_answer_is_what_the_budget_leaves(db: Database) -> None:
    free = Need(input_pico=10, token_pico=1, most=1_000, least=50)
    run = Cap(kind="per_run", key="a", pico=500, on_exceeded="fail")
    assert take(db, call(), free, (run,)).tokens == 490, "alone with it: all of it"
    assert take(db, call(), free).tokens == 500 // 8 - 10, "shared: an eighth of it"
    said = Need(input_pico=10, token_pico=1, most=1_000, least=1_000)
    with pytest.raises(BudgetExceeded):
        take(db, call(), said)
    long = Need(input_pico=0, token_pico=1, most=128_000, least=2_048)
    much = Cap(kind="per_run", key="b", pico=100_000, on_exceeded="fail")
    assert take(db, call(run="b"), long, (much,)).tokens == 16_384, "models take no number above their own maximum"
    plenty = Cap(kind="per_run", key="c", pico=128_000, on_exceeded="fail")
    assert take(db, call(run="c"), long, (plenty,)).tokens == 128_000


def test_again_after_a_lost_acknowledgement_is_the_same_call(db: Database, place: str) -> None:
    cap = Cap(kind="per_run", key="a", pico=15, on_exceeded="fail")
    opened = call()
    assert take(db, opened, TEN, (cap,)).tokens == take(db, opened, TEN, (cap,)).tokens == 6
    assert rows_at(place, "SELECT reserved_pico FROM nightdrop_model_calls") == [(10,)]


def test_a_clock_that_is_behind_hides_nothing(db: Database) -> None:
    take(db, call(NOON))
    known = take(db, call(NOON + 1)).tallies
    take(db, call(NOON - 60_000))  # another machine
    assert take(db, call(), known=known).tallies[DAY.scope].spent == 30


@pytest.mark.parametrize("seed", range(3))
def test_what_processes_remember_is_what_the_rows_say(db: Database, seed: int) -> None:
    """Three processes with clocks of their own open and close in any order: each knows the exact sum at each call."""
    chance = random.Random(seed)
    known: list[Mapping[str, Tally]] = [{}, {}, {}]
    open_calls: list[str] = []
    wide = Cap(kind="per_day", key="a", pico=10**9, on_exceeded="fail", since=DAY.since, until=DAY.until)
    for step in range(120):
        process = chance.randrange(3)
        if open_calls and chance.random() < 0.45:
            gone = open_calls.pop(chance.randrange(len(open_calls)))
            close(db, gone, chance.choice([0, 7, 30, None]))
            continue
        with db.read() as connection:
            before = spent(connection, wide)
        opened = call(NOON + step * 3 + chance.randrange(-200, 200))
        found = take(db, opened, TEN, (wide,), known=known[process])
        assert found.tallies[wide.scope].spent == before
        if chance.random() < 0.8:  # a look may be lost, with its process
            known[process] = found.tallies
        open_calls.append(opened.call_id)


def test_writers_at_the_same_time_never_take_more_than_there_is(db: Database) -> None:
    def work(_: int) -> int:
        taken = 0
        for _ in range(20):
            try:
                take(db, call())
                taken += 1
            except BudgetExceeded:
                break
        return taken

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(work, range(8))) == 100
    with db.read() as connection:
        assert connection.scalar(sa.select(sa.func.sum(model_calls.c.reserved_pico))) == 1_000


def test_a_day_begins_at_midnight_in_utc() -> None:
    purse = Purse(run_id="r", agent_id="a", budget=Budget(per_day="1.50", per_run=2))
    (run, late), (_, early) = purse.caps(1_800_057_599_999), purse.caps(1_800_057_600_000)
    assert (run.pico, late.pico) == (2 * 10**12, 1_500_000_000_000)
    assert late.until == early.since == 1_800_057_600_000
