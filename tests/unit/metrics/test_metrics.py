"""Metrics are counted from the rows: what is in the database is what is said, and each query stays in an index."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from tests.docs.pages import page
from tests.unit.store.ends import complete

from nightdrop import RunError, SqliteDb, Webhook
from nightdrop.ids import new_id
from nightdrop.metrics import render
from nightdrop.metrics.families import accepted_at
from nightdrop.records.model_call import CallClosed, CallOpened, Price, Usage
from nightdrop.records.request import RunRequest, Subject
from nightdrop.store import Database, attempts, model_calls, providers, schedule_runs
from nightdrop.store.accept import accept

NOW = 1_772_323_200_000 + 3_600_000  # one in the morning
ROOT = Path(__file__).parents[3]
AGENT = Subject(kind="agent", id="invoices", revision="r1")


def samples(db: Database, now_ms: int = NOW) -> dict[str, float]:
    """name{label=value,...} of every sample."""
    found = {}
    for family in text_string_to_metric_families(render(db, now_ms)):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def start(connection: sa.Connection, n: int) -> str:
    (run,) = accept(connection, [RunRequest(subject=AGENT, message=str(n))], NOW)
    attempts.claim(connection, "x", [AGENT], now_ms=NOW, limit=1)
    assert attempts.start(connection, run.run_id, 1, "x", NOW)
    return run.run_id


def call(connection: sa.Connection, run_id: str, number: int, outcome: str | None, cost: int | None = None) -> None:
    opened = CallOpened(
        call_id=f"c{number}", run_id=run_id, attempt=1, provider="openai", model="gpt-5.5", opened_at=NOW - 5000
    )
    model_calls.open_call(connection, opened)
    if outcome is not None:
        price = Price(cost_pico=cost, source="prices" if cost is not None else "unknown", version=None)
        usage = Usage(input_tokens=100, output_tokens=10)
        end = CallClosed(outcome=outcome, closed_at=NOW - 3000, usage=usage, price=price)
        model_calls.close_call(connection, opened.call_id, end)


def test_an_empty_database_says_so(db: Database) -> None:
    found = samples(db)
    assert found["nightdrop_schedules_enabled"] == 0
    assert found["nightdrop_webhook_deliveries_pending"] == 0
    assert not [name for name in found if name.startswith("nightdrop_queue_depth")]


def test_runs_by_where_they_are(db: Database) -> None:
    with db.write() as connection:
        complete(connection, start(connection, 1), at=NOW - 1000)
        complete(connection, start(connection, 2), at=NOW - 400_000)  # not lately
        attempts.fail(connection, start(connection, 3), 1, RunError(code="no_text", message=""), now_ms=NOW)
        start(connection, 4)
        accept(connection, [RunRequest(subject=AGENT, message=str(n)) for n in (5, 6)], NOW)
    found = samples(db)
    assert found["nightdrop_queue_depth{subject=invoices}"] == 2
    assert found["nightdrop_running_runs{subject=invoices}"] == 1
    assert found["nightdrop_ended_runs_5m{status=COMPLETED,subject=invoices}"] == 1
    assert found["nightdrop_ended_runs_5m{status=ERROR,subject=invoices}"] == 1
    assert found["nightdrop_open_dead_letters{code=no_text}"] == 1


def test_the_oldest_is_as_old_as_its_acceptance(db: Database) -> None:
    with db.write() as connection:
        (run,) = accept(connection, [RunRequest(subject=AGENT, message="m")], NOW)
    asked = accepted_at(run.run_id) + 12_500
    assert samples(db, asked)["nightdrop_queue_oldest_seconds{subject=invoices}"] == 12.5
    assert accepted_at(new_id(NOW)) == NOW


def test_calls_cents_and_rate_limits(db: Database) -> None:
    with db.write() as connection:
        run_id = start(connection, 1)
        call(connection, run_id, 1, "answered", 2_500_000_000_000)
        call(connection, run_id, 2, "rate_limited", 0)
        call(connection, run_id, 3, "answered", None)
        call(connection, run_id, 4, None)
    found, model = samples(db), "model=gpt-5.5"
    assert found[f"nightdrop_model_calls_total{{{model},outcome=answered,provider=openai}}"] == 2
    assert found[f"nightdrop_model_calls_total{{{model},outcome=rate_limited,provider=openai}}"] == 1
    assert found[f"nightdrop_cost_dollars_total{{{model},provider=openai}}"] == 2.5
    assert found[f"nightdrop_model_tokens_total{{direction=input,{model},provider=openai}}"] == 300
    assert found[f"nightdrop_model_call_seconds_count{{{model},provider=openai}}"] == 3
    assert found[f"nightdrop_model_call_seconds_sum{{{model},provider=openai}}"] == 6
    assert found[f"nightdrop_open_model_calls{{{model},provider=openai}}"] == 1
    tomorrow = samples(db, NOW + 86_400_000)
    assert not [name for name in tomorrow if name.startswith("nightdrop_model_calls")]


def test_a_paused_provider_is_seen(db: Database) -> None:
    with db.write() as connection:
        providers.open_pause(connection, "openai@1f0c", "quota_exhausted", "no credit", NOW)
    assert samples(db)["nightdrop_provider_paused{code=quota_exhausted,provider=openai@1f0c}"] == 1


def test_schedules_overdue_and_late(db: Database) -> None:
    with db.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO nightdrop_schedules (id, name, cron, timezone, endpoint, method, payload, enabled, "
            "timeout_seconds, max_retries, retry_delay_seconds, catch_up, overlap, next_fire_at, created_at, "
            f"updated_at) VALUES ('s', 's', '* * * * *', 'UTC', '/agents/a/runs', 'POST', '{{}}', true, 1, 0, 1, "
            f"'one', 'skip', {NOW - 90_000}, 1, 1)"
        )
    assert samples(db)["nightdrop_schedule_overdue_seconds"] == 90
    with db.write() as connection:
        row_id = schedule_runs.add_schedule_run(connection, "s", NOW - 2500, "pending")
        assert row_id is not None
        values = {"status": "running", "triggered_at": NOW}
        schedule_runs.move_schedule_run(connection, row_id, "pending", values)
    found = samples(db, accepted_at(row_id) + 1000)
    assert found["nightdrop_schedule_lateness_5m_seconds"] == 2.5
    assert found["nightdrop_schedule_runs_5m{status=running}"] == 1
    assert "nightdrop_schedule_runs_5m{status=running}" not in samples(db, accepted_at(row_id) + 400_000)


def test_deliveries_on_their_way(db: Database) -> None:
    db.webhooks.create(Webhook(url="https://hooks.example/", secret="0123456789abcdef", events=["run.completed"]))
    with db.write() as connection:
        complete(connection, start(connection, 1), at=NOW - 4000)
    found = samples(db)
    assert found["nightdrop_webhook_deliveries_pending"] == 1
    assert found["nightdrop_webhook_oldest_seconds"] == 4


def names(text: str) -> set[str]:
    """Metric names in a text, as they are queried."""
    return set(re.findall(r"\bnightdrop_[a-z0-9_]+\b", text))


@pytest.fixture
def every_name(db: Database) -> set[str]:
    kinds = {"counter": ["_total"], "summary": ["_count", "_sum"], "info": ["_info"], "gauge": [""]}
    lines = [line.split(" ") for line in render(db, NOW).splitlines() if line.startswith("# TYPE nightdrop")]
    found = set()
    for _, _, name, kind in lines:
        plain = name.removesuffix("_total").removesuffix("_info")
        is_info = name.endswith("_info")
        found |= {plain + ending for ending in (["_info"] if is_info else kinds[kind])}
    return found


def test_every_metric_is_documented_and_no_other(every_name: set[str]) -> None:
    documented = {name for row in page("docs/reference/metrics.md").rows for name in names(row[0])}
    assert documented == every_name


def test_the_dashboard_asks_for_metrics_that_there_are(every_name: set[str]) -> None:
    dashboard = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
    asked = {name for panel in dashboard["panels"] for target in panel["targets"] for name in names(target["expr"])}
    assert len(asked) >= 15
    assert asked <= every_name
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


def test_counting_stays_within_indexes(tmp_path: Path) -> None:
    """No query of a scrape reads a large table from end to end."""
    db = SqliteDb(tmp_path / "n.db")
    plans: list[tuple[str, str]] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            rows = connection.connection.cursor().execute("EXPLAIN QUERY PLAN " + statement, parameters).fetchall()
            plans.extend((statement, str(row[3])) for row in rows)

    sa.event.listen(db.engine, "before_cursor_execute", explain)
    render(db, NOW)
    large = ("runs", "model_calls", "dead_letters", "webhook_deliveries", "schedule_runs")
    scans = [plan for plan in plans if re.match(rf"SCAN nightdrop_({'|'.join(large)})(?! USING)", plan[1])]
    assert plans
    assert scans == []
    db.close()
