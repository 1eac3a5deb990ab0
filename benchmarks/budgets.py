"""Budgets: `python benchmarks/budgets.py [--db URL] [--documents 400] [--rows 50000]`.

1. Overshoot: 4 processes against the simulated provider's own meter; also where the estimate of the input is too low on
   purpose. Exit 1 if more was spent than the budget and the estimate's error allow.
2. What reserving costs: a day of so many calls in the ledger, and calls under way.
kill -9 between reservation and close is tests/crash/test_budgets_killed.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from nightdrop.clock import now_ms
from nightdrop.ids import new_id
from nightdrop.records.budget import Budget, Need, Purse
from nightdrop.records.model_call import CallOpened
from nightdrop.store import Database
from nightdrop.store.place import database_at
from nightdrop.store.reservations import Tally, reserve
from nightdrop.store.tables import model_calls, runs
from nightdrop.testing import Latency, SimulatedProvider
from nightdrop.testing.meter import Meter
from nightdrop.testing.price import Price

APP = Path(__file__).parent / "budgets_app.py"
PICO = 10**12


def main() -> None:
    """Measure both and print their tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--db", help="a Postgres URL of an empty database; default: SQLite")
    options.add_argument("--documents", type=int, default=400)
    options.add_argument("--processes", type=int, default=4)
    options.add_argument("--rows", type=int, default=50_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = given.db or str(folder / "budgets.db")
        print("| case | budget USD | meter | counted | estimates too low by | completed | refused | calls/s |")
        print("|---|---|---|---|---|---|---|---|")
        good = all(
            [
                _overshoot(place, folder, "the estimate is above", given, input_price="200", budget="0.80"),
                _overshoot(place, folder, "the estimate sees a quarter", given, input_price="1000", budget="8.00"),
                _overshoot(place, folder, "not reached", given, input_price="200", budget="50.00"),
            ]
        )
        print()
        _cost(place, given.rows)
    sys.exit(0 if good else 1)


def _overshoot(
    place: str, folder: Path, case: str, given: argparse.Namespace, *, input_price: str, budget: str
) -> bool:
    """One batch on its budget. A quarter: mostly spaces, which the meter counts and the estimate does not."""
    unseen = "quarter" in case
    drop = folder / case.replace(" ", "-")
    drop.mkdir()
    for number in range(given.documents):
        filler = " " * 4_000 if unseen else ""
        (drop / f"{number}.txt").write_text(f"{case} {number}{filler}.")
    prices = folder / "prices.toml"
    prices.write_text(f'["gpt-4o-mini"]\ninput = "{input_price}"\noutput = "10.00"\n')
    price = Price(input=Decimal(input_price), cached_input=Decimal(input_price), output=Decimal(10))
    with SimulatedProvider(meter=Meter(price=price), latency=Latency.uniform(0.1, 0.6)) as provider:
        environment = {**os.environ, **provider.environment, "TEST_DB": place, "NIGHTDROP_PRICES": str(prices)}
        command = [sys.executable, "-m", "nightdrop", "run", str(drop), "--agent", f"{APP}:agent", "--json"]
        command += ["--budget", budget, "--processes", str(given.processes)]
        begun = time.monotonic()
        ended = subprocess.run(command, env=environment, capture_output=True, text=True)
        seconds = time.monotonic() - begun
        totals = provider.meter.totals()
    state = json.loads(ended.stdout)
    db = database_at(place)
    with db.read() as connection:
        own = sa.select(runs.c.run_id).where(runs.c.batch_id == state["id"])
        c = model_calls.c
        counts = sa.func.coalesce(c.cost_pico, c.reserved_pico, 0)
        low = sa.func.sum(sa.case((counts > c.reserved_pico, counts - c.reserved_pico), else_=0))
        counted, too_low = connection.execute(sa.select(sa.func.sum(counts), low).where(c.run_id.in_(own))).one()
    db.close()
    meter = totals.cents / 100
    print(
        f"| {case} | {budget} | {meter:.4f} | {int(counted) / PICO:.4f} | {int(too_low) / PICO:.4f} | "
        f"{state['done'] - state['failed']} | {state['failed']} | {totals.calls / seconds:.0f} |"
    )
    return bool(meter <= Decimal(budget) + Decimal(int(too_low)) / PICO)


def _cost(place: str, count: int) -> None:
    db = database_at(place)
    start = now_ms()
    agent = f"day-{start}"
    with db.write() as connection:
        row = {
            "kind": "agent",
            "revision": "1",
            "input_hash": "i",
            "status": "COMPLETED",
            "message": "",
            "created_at": 1,
        }
        ids = [new_id() for _ in range(count)]
        connection.execute(sa.insert(runs), [{**row, "run_id": i, "session_id": i, "subject_id": agent} for i in ids])
        call = {"attempt": 1, "number": 1, "provider": "p", "model": "m", "outcome": "answered"}
        day = start - start % 86_400_000
        connection.execute(
            sa.insert(model_calls),
            [
                {
                    **call,
                    "call_id": new_id(),
                    "run_id": i,
                    "opened_at": day + (start - day) * n // count,
                    "closed_at": start,
                    "cost_pico": 10**6,
                    "reserved_pico": 10**7,
                }
                for n, i in enumerate(ids)
            ],
        )
    purse = Purse(run_id=ids[0], agent_id=agent, budget=Budget(per_day=1000), database=Decimal(5000))
    print(f"| reserving, {count:,} calls today, two bounds | ms |")
    print("|---|---|")
    known: Mapping[str, Tally] = {}
    known = _timed(db, "a process's first call", purse, known, 1)
    for open_calls in (1, 64, 512):
        while len(next(iter(known.values())).open) < open_calls:
            known = _reserve(db, purse, known)
        known = _timed(db, f"a later one, {open_calls} under way", purse, known, 50)
    db.close()


def _timed(db: Database, what: str, purse: Purse, known: Mapping[str, Tally], times: int) -> Mapping[str, Tally]:
    begun = time.perf_counter()
    for _ in range(times):
        found = _reserve(db, purse, known)
    print(f"| {what} | {(time.perf_counter() - begun) * 1000 / times:.2f} |")
    return found


def _reserve(db: Database, purse: Purse, known: Mapping[str, Tally]) -> Mapping[str, Tally]:
    now = now_ms()
    call = CallOpened(call_id=new_id(), run_id=purse.run_id, attempt=2, provider="p", model="m", opened_at=now)
    need = Need(input_pico=10, token_pico=1, most=100, least=100)
    return db.transact(partial(reserve, call=call, need=need, caps=purse.caps(now), known=known, alive_since=0)).tallies


if __name__ == "__main__":
    main()
