"""Every metric with its name, labels and unit, made from one look at the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version

import sqlalchemy as sa
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from nightdrop.store import figures
from nightdrop.store.executors import list_executors
from nightdrop.store.providers import list_pauses
from nightdrop.store.rates import limits_in_use
from nightdrop.store.schedules import next_times

_DAY_MS = 86_400_000
_PICO = 1e12
_SUBJECT = ("subject",)  # an agent's or workflow's id


def families(connection: sa.Connection, now_ms: int) -> Iterator[Metric]:
    """All of them, at this time (milliseconds since 1970)."""
    yield InfoMetricFamily("nightdrop", "The version that answers.", value={"version": version("nightdrop")})
    yield from _queue(connection, now_ms)
    yield from _ends(connection, now_ms)
    yield from _calls(connection, now_ms)
    yield from _providers(connection)
    yield from _schedules(connection, now_ms)
    yield from _webhooks(connection, now_ms)
    yield _processes(connection)


def _gauge(name: str, text: str, labels: Sequence[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"nightdrop_{name}", text, labels=labels)


def _single(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"nightdrop_{name}", text, value=value)


def _queue(connection: sa.Connection, now_ms: int) -> Iterator[Metric]:
    depth = _gauge("queue_depth", "Runs that wait for a process to take them.", _SUBJECT)
    oldest = _gauge("queue_oldest_seconds", "Since when the oldest of them was accepted.", _SUBJECT)
    for subject, count, run_id in figures.queued(connection):
        depth.add_metric([subject], count)
        oldest.add_metric([subject], max(0.0, (now_ms - accepted_at(run_id)) / 1000))
    hand = _gauge("running_runs", "Runs that a process has taken and not ended.", _SUBJECT)
    for subject, count in figures.in_hand(connection):
        hand.add_metric([subject], count)
    waiting = _gauge("paused_runs", "Runs that wait for a person.", _SUBJECT)
    for subject, count in figures.paused(connection):
        waiting.add_metric([subject], count)
    yield from (depth, oldest, hand, waiting)


def accepted_at(run_id: str) -> int:
    """The time that a run's id begins with, in milliseconds since 1970."""
    return int(run_id[:8] + run_id[9:13], 16)


def _ends(connection: sa.Connection, now_ms: int) -> Iterator[Metric]:
    ended = _gauge("ended_runs_5m", "Runs that came to this status in the last five minutes.", (*_SUBJECT, "status"))
    for subject, status, count in figures.ended_lately(connection, now_ms):
        ended.add_metric([subject, status], count)
    letters = _gauge("open_dead_letters", "Dead letters that wait for a person.", ("code",))
    for code, count in figures.open_letters(connection):
        letters.add_metric([code], count)
    yield from (ended, letters)


def _calls(connection: sa.Connection, now_ms: int) -> Iterator[Metric]:
    """Counters from midnight UTC on: Prometheus takes the new day for a restart, and `rate` goes on over it."""
    model = ("provider", "model")
    calls = CounterMetricFamily(
        "nightdrop_model_calls", "Calls of models today, by how they ended.", labels=(*model, "outcome")
    )
    tokens = CounterMetricFamily("nightdrop_model_tokens", "Tokens today.", labels=(*model, "direction"))
    cost = CounterMetricFamily("nightdrop_cost_dollars", "What today's calls cost, as far as known.", labels=model)
    took = SummaryMetricFamily("nightdrop_model_call_seconds", "How long today's ended calls took.", labels=model)
    still = _gauge("open_model_calls", "Calls of today under way, or possibly billed.", model)
    sums: dict[tuple[str, str], list[float]] = {}
    for row in figures.calls_since(connection, now_ms - now_ms % _DAY_MS):
        named = (row["provider"], row["model"])
        if row["outcome"] is not None:
            calls.add_metric([*named, row["outcome"]], row["calls"])
        values = (row["input_tokens"], row["output_tokens"], int(row["cost_pico"]) / _PICO)
        more = (*values, row["calls"] - row["open_calls"], int(row["took_ms"]) / 1000, row["open_calls"])
        had = sums.setdefault(named, [0.0] * len(more))
        sums[named] = [a + float(b) for a, b in zip(had, more, strict=True)]
    for named, (given, made, dollars, count, seconds, unclosed) in sums.items():
        tokens.add_metric([*named, "input"], given)
        tokens.add_metric([*named, "output"], made)
        cost.add_metric(named, dollars)
        took.add_metric(named, count_value=int(count), sum_value=seconds)
        still.add_metric(named, unclosed)
    yield from (calls, tokens, cost, took, still)


def _providers(connection: sa.Connection) -> Iterator[Metric]:
    paused = _gauge("provider_paused", "1: nothing is asked of it now, for this reason.", ("provider", "code"))
    behind = _gauge("provider_paused_runs", "Runs that wait for a paused provider.", ("provider",))
    for pause in list_pauses(connection, counted=True):
        paused.add_metric([pause.name, pause.code], 1)
        behind.add_metric([pause.name], pause.waiting)
    width = _gauge("limit_concurrency", "Calls at a time that all processes came to.", ("limit",))
    demand = _gauge("limit_demand", "Calls under way and waiting in all processes.", ("limit",))
    for limit in limits_in_use(connection):
        width.add_metric([limit["key"]], limit["concurrency"])
        demand.add_metric([limit["key"]], limit["demand"])
    yield from (paused, behind, width, demand)


def _schedules(connection: sa.Connection, now_ms: int) -> Iterator[Metric]:
    enabled, _ = next_times(connection)
    yield _single("schedules_enabled", "Schedules that are fired.", enabled)
    late = figures.late_schedules(connection, now_ms) / 1000
    yield _single("schedule_overdue_seconds", "How long the most overdue schedule has waited for its fire.", late)
    lateness, counts = figures.fired_lately(connection, now_ms)
    yield _single("schedule_lateness_5m_seconds", "The latest fire of the last five minutes.", lateness / 1000)
    fires = _gauge("schedule_runs_5m", "Fires of the last five minutes, and what was not fired.", ("status",))
    for status, count in counts.items():
        fires.add_metric([status], count)
    yield fires


def _webhooks(connection: sa.Connection, now_ms: int) -> Iterator[Metric]:
    waiting, oldest, dead = figures.deliveries_waiting(connection)
    yield _single("webhook_deliveries_pending", "Deliveries of webhooks on their way.", waiting)
    age = 0.0 if oldest is None else max(0.0, (now_ms - oldest) / 1000)
    yield _single("webhook_oldest_seconds", "Since when the oldest of them was to be told.", age)
    yield _single("webhook_deliveries_dead", "Deliveries of webhooks that were given up.", dead)


def _processes(connection: sa.Connection) -> Metric:
    alive = _gauge("processes", "Processes that execute, with a lease that has not run out.", ("role", "scheduler"))
    counts: dict[tuple[str, str], int] = {}
    for row in list_executors(connection):
        if row.age_ms <= row.lease_ms:
            key = (row.role, "yes" if row.scheduler else "no")
            counts[key] = counts.get(key, 0) + 1
    for named, count in counts.items():
        alive.add_metric(named, count)
    return alive
