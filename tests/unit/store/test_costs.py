"""The ledger summed and listed: every key, failed, open and cached calls, periods and pages, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from tests.conftest import change_at

from nightdrop import UsageError
from nightdrop.records.model_call import CallClosed, CallOpened, Price, Usage
from nightdrop.records.request import RunRequest, Subject
from nightdrop.store import Database, model_calls
from nightdrop.store.accept import accept
from nightdrop.store.costs import CallFilter, CostKey, calls

DAY_1 = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
DAY_2 = DAY_1 + timedelta(minutes=1)
ENDS = {
    "c1": CallClosed(
        outcome="answered",
        closed_at=1,
        usage=Usage(input_tokens=1000, output_tokens=10, cache_read_tokens=600, cache_write_tokens=100),
        price=Price(cost_pico=5_000_000, source="prices", version="list 1", saved_pico=700_000),
        tier="flex",
    ),
    "c2": CallClosed(outcome="rate_limited", closed_at=1, usage=Usage(), price=Price(cost_pico=0, source="prices")),
    "c4": CallClosed(
        outcome="answered", closed_at=1, usage=Usage(input_tokens=5), price=Price(cost_pico=None, source="unknown")
    ),
}


@pytest.fixture
def run_id(db: Database) -> str:
    """A run with an answered, cached call and a refused one on the first day, an open and an unpriced one after."""
    with db.write() as connection:
        (run,) = accept(connection, [RunRequest(subject=Subject(kind="agent", id="a", revision="1"), message="m")], 1)
        for call_id, moment in (("c1", DAY_1), ("c2", DAY_1), ("c3", DAY_2), ("c4", DAY_2)):
            opened = CallOpened(
                call_id=call_id,
                run_id=run.run_id,
                attempt=1,
                provider="anthropic" if call_id == "c4" else "openai",
                model="m",
                opened_at=int(moment.timestamp() * 1000),
            )
            model_calls.open_call(connection, opened)
            if call_id in ENDS:
                model_calls.close_call(connection, call_id, ENDS[call_id])
    return run.run_id


@pytest.mark.usefixtures("run_id")
@pytest.mark.parametrize("by", get_args(CostKey))
def test_the_items_of_every_key_add_up_to_the_total(db: Database, by: CostKey) -> None:
    found = db.costs(by)
    assert found.items
    for name in ("calls", "open_calls", "failed_calls", "input_tokens", "cache_read_tokens", "saved"):
        assert sum(getattr(row, name) for row in found.items) == getattr(found.total, name), name
    assert (found.total.calls, found.total.open_calls, found.total.failed_calls) == (4, 1, 1)
    assert found.total.cost is None, "one closed call has no price"


def test_a_row_has_what_was_cached_and_saved(db: Database, run_id: str) -> None:
    first, second = db.costs("day").items
    assert (first.key, second.key) == ("2026-03-01", "2026-03-02")
    assert (first.cost, first.saved) == (Decimal("0.000005"), Decimal("0.0000007"))
    assert (first.cache_read_tokens, first.cache_write_tokens) == (600, 100)
    assert [row.key for row in db.costs("provider").items] == ["anthropic", "openai"]
    assert [row.key for row in db.costs("schedule").items] == ["none"]
    assert [row.key for row in db.costs("run").items] == [run_id]


@pytest.mark.usefixtures("run_id")
def test_a_period_begins_with_since_and_ends_before_until(db: Database) -> None:
    assert db.costs(since=DAY_2).total.calls == 2
    assert db.costs(until=DAY_2).total.calls == 2
    assert db.costs(since=DAY_1, until=DAY_1 + timedelta(seconds=1)).total.calls == 2
    assert db.costs(agent="another").total.calls == 0
    assert db.costs(agent="another").items == ()
    with pytest.raises(UsageError, match="time zone"):
        db.costs(since=DAY_1.replace(tzinfo=None))
    with pytest.raises(UsageError, match="give one of day, agent"):
        db.costs("month")  # type: ignore[arg-type]


def test_single_calls_are_listed_newest_first_page_by_page(db: Database, run_id: str) -> None:
    with db.read() as connection:
        first, cursor = calls(connection, CallFilter(run_id=run_id), limit=3)
        rest, end = calls(connection, CallFilter(run_id=run_id), limit=3, cursor=cursor)
        assert calls(connection, CallFilter(batch_id="another"), limit=3) == ([], None)
    assert end is None
    assert [call.call_id for call in first + rest] == ["c4", "c3", "c2", "c1"]
    assert [call.closed_at is None for call in first] == [False, True, False]
    (oldest,) = rest
    assert (oldest.cost_source, oldest.price_version, oldest.tier, oldest.agent_id) == ("prices", "list 1", "flex", "a")
    assert (oldest.opened_at, oldest.saved) == (DAY_1, Decimal("0.0000007"))


@pytest.mark.usefixtures("run_id")
def test_the_ledger_outlives_its_run(db: Database, place: str) -> None:
    change_at(place, "DELETE FROM nightdrop_runs")
    assert [(row.key, row.calls) for row in db.costs("agent").items] == [("none", 4)]


def test_a_schedule_is_called_by_its_name_as_long_as_it_is_there(db: Database, place: str, run_id: str) -> None:
    change_at(
        place,
        "INSERT INTO nightdrop_schedules (id, name, cron, timezone, endpoint, method, payload, enabled,"
        " timeout_seconds, max_retries, retry_delay_seconds, catch_up, overlap, created_at, updated_at)"
        " VALUES ('s', 'nightly', '0 2 * * *', 'UTC', '/agents/a/runs', 'POST', '{}', TRUE,"
        " 1, 0, 1, 'one', 'skip', 1, 1)",
    )
    change_at(
        place,
        "INSERT INTO nightdrop_schedule_runs (id, schedule_id, scheduled_for, attempt, status)"
        " VALUES ('f1', 's', 1, 1, 'success')",
    )
    change_at(place, f"UPDATE nightdrop_runs SET schedule_run_id = 'f1' WHERE run_id = '{run_id}'")
    assert [(row.key, row.calls) for row in db.costs("schedule").items] == [("nightly", 4)]
    change_at(place, "DELETE FROM nightdrop_schedules")
    assert [row.key for row in db.costs("schedule").items] == ["s"]


@pytest.mark.usefixtures("run_id")
def test_outcomes_and_tiers_are_keys_too(db: Database) -> None:
    assert [(row.key, row.calls) for row in db.costs("outcome").items] == [
        ("answered", 2),
        ("rate_limited", 1),
        ("unrecorded", 1),
    ]
    assert [(row.key, row.calls) for row in db.costs("tier").items] in (
        [("none", 3), ("flex", 1)],
        [("flex", 1), ("none", 3)],
    )


def test_steps_are_a_key(db: Database, run_id: str, place: str) -> None:
    """By the path of a workflow's step; calls of no workflow stand under their agent."""
    change_at(place, "UPDATE nightdrop_model_calls SET step = 'checks/read' WHERE outcome = 'answered'")
    change_at(place, f"UPDATE nightdrop_runs SET subject_id = 'claims' WHERE run_id = '{run_id}'")
    found = {row.key: row.calls for row in db.costs("step").items}
    assert found == {"claims": 2, "claims/checks/read": 2}
