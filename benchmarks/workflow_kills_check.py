"""What must be true at the end of `workflow_kills.py`, from the rows and the provider's own meter."""

from __future__ import annotations

import json

import sqlalchemy as sa
from workflow_kills_app import expected

from nightdrop.records.model_call import dollars
from nightdrop.store import Database
from nightdrop.store.tables import model_calls, run_files, runs, steps
from nightdrop.testing import Meter


def settled(db: Database, meter: Meter, documents: int) -> set[str]:
    """What is wrong: every document has its result, every step is recorded once, the ledger explains the meter."""
    s = steps.c
    with db.read() as connection:
        of_document = sa.select(runs.c.status, runs.c.content, run_files.c.filename)
        ended = connection.execute(of_document.join(run_files, run_files.c.run_id == runs.c.run_id)).all()
        of_step = sa.select(s.run_id, s.path).group_by(s.run_id, s.path)
        twice = connection.execute(of_step.having(sa.func.count() > 1)).all()
    problems: set[str] = set()
    found = {row.filename: json.loads(row.content) if row.status == "COMPLETED" else row.status for row in ended}
    for number in range(documents):
        name = f"{number:05}.txt"
        if found.get(name) != expected(number):
            problems.add(f"{name}: {found.get(name)}")
    if len(ended) != documents:
        problems.add(f"{len(ended)} runs of {documents} documents")
    problems |= {f"recorded twice: {tuple(row)}" for row in twice}
    return problems | paid(db, meter)


def paid(db: Database, meter: Meter) -> set[str]:
    """What is wrong, call by call: the ledger explains the meter, and no recorded answer was asked for again."""
    m = model_calls.c
    with db.read() as connection:
        ledger = {row.call_id: row for row in connection.execute(sa.select(model_calls))}
        by_try = sa.select(m.run_id, m.step).where(m.outcome == "answered")
        by_try = by_try.group_by(m.run_id, m.attempt, m.step, m.step_try)
        again = connection.execute(by_try.having(sa.func.count() > 1)).all()
    problems = {f"a recorded answer was asked for again: {tuple(row)}" for row in again}
    billed = {call.call_id: call for call in meter.calls if call.billed}
    for call_id, call in billed.items():
        row = ledger.get(call_id or "")
        if row is None:
            problems.add(f"call {call_id} is billed and not in the ledger")
        elif row.closed_at is not None and dollars(row.cost_pico or 0) * 100 != call.cents:
            problems.add(f"call {call_id} is {call.cents} cents on the meter, {row.cost_pico} in the ledger")
    for call_id, row in ledger.items():
        if row.closed_at is not None and row.cost_pico and call_id not in billed:
            problems.add(f"call {call_id} is closed with a cost and not on the meter")
    return problems
