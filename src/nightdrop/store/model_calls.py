"""The ledger in the rows: opened before a call, closed after it, summed in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from nightdrop.records.metrics import CostSource, RunMetrics
from nightdrop.records.model_call import CallClosed, CallOpened, PastCall, dollars
from nightdrop.store.insert import insert_ignore
from nightdrop.store.tables import batch_items, model_calls

_m = model_calls.c
_earlier = model_calls.alias("earlier")
_GIVEN = ("call_id", "run_id", "attempt", "provider", "model", "opened_at", "reserved_pico", "step", "step_try")
_OPENED: dict[str, Any] = {
    **{name: sa.bindparam(name) for name in _GIVEN},
    "number": sa.select(sa.func.coalesce(sa.func.max(_earlier.c.number), 0) + 1)
    .where(_earlier.c.run_id == sa.bindparam("run_id"), _earlier.c.attempt == sa.bindparam("attempt"))
    .scalar_subquery(),
}
_OPEN_CALL = {  # again after a lost acknowledgement: the row is there already
    dialect: insert_ignore(dialect, model_calls).values(**_OPENED) for dialect in ("sqlite", "postgresql")
}
_CLOSE_CALL = (
    sa.update(model_calls)
    .where(_m.call_id == sa.bindparam("of_call"), _m.closed_at.is_(None))
    .values(
        **{
            name: sa.bindparam(name)
            for name in (
                "closed_at",
                "outcome",
                "input_tokens",
                "output_tokens",
                "cache_read_tokens",
                "cache_write_tokens",
                "reasoning_tokens",
                "cost_pico",
                "cost_source",
                "price_version",
                "first_token_ms",
                "response",
                "saved_pico",
                "tier",
            )
        }
    )
)
_PAST = (
    sa.select(_m.outcome, _m.response, _m.opened_at, _m.provider, _m.model, _m.step, _m.step_try)
    .where(_m.run_id == sa.bindparam("of_run"), _m.attempt == sa.bindparam("of_attempt"), _m.outcome.is_not(None))
    .order_by(_m.number)
)


def open_call(connection: sa.Connection, call: CallOpened) -> None:
    """Say that a call is about to be made. It counts as possibly billed, at what it reserved, until it is closed."""
    connection.execute(
        _OPEN_CALL[connection.dialect.name],
        {
            "call_id": call.call_id,
            "run_id": call.run_id,
            "attempt": call.attempt,
            "provider": call.provider,
            "model": call.model,
            "opened_at": call.opened_at,
            "reserved_pico": call.reserved_pico,
            "step": call.step or None,
            "step_try": call.step_try,
        },
    )


def close_call(connection: sa.Connection, call_id: str, end: CallClosed) -> None:
    """Say what a call cost and what came back."""
    connection.execute(
        _CLOSE_CALL,
        {
            "of_call": call_id,
            "closed_at": end.closed_at,
            "outcome": end.outcome,
            "input_tokens": end.usage.input_tokens,
            "output_tokens": end.usage.output_tokens,
            "cache_read_tokens": end.usage.cache_read_tokens,
            "cache_write_tokens": end.usage.cache_write_tokens,
            "reasoning_tokens": end.usage.reasoning_tokens,
            "cost_pico": end.price.cost_pico,
            "cost_source": end.price.source,
            "price_version": end.price.version,
            "first_token_ms": end.first_token_ms,
            "response": end.response,
            "saved_pico": end.price.saved_pico,
            "tier": end.tier,
        },
    )


def leave_open(connection: sa.Connection, call_id: str, outcome: str) -> None:
    """Say how a call ended whose price nobody knows: it stays possibly billed, for ever."""
    connection.execute(sa.update(model_calls).where(_m.call_id == call_id).values(outcome=outcome))


def settle_call(connection: sa.Connection, call_id: str, cost_pico: int, *, version: str, now_ms: int) -> bool:
    """Close a possibly billed call at what the provider's bill says; how it ended stays unsaid. Whether it was open."""
    settled = (
        sa.update(model_calls)
        .where(_m.call_id == call_id, _m.closed_at.is_(None))
        .values(closed_at=now_ms, cost_pico=cost_pico, cost_source="provider", price_version=version)
    )
    return connection.execute(settled).rowcount == 1


def past_calls(connection: sa.Connection, run_id: str, attempt: int) -> list[PastCall]:
    """What this attempt has asked already, in order: recorded answers are used again, failures count."""
    rows = connection.execute(_PAST, {"of_run": run_id, "of_attempt": attempt})
    return [
        PastCall(
            outcome=row.outcome,
            response=row.response,
            at=row.opened_at,
            provider=row.provider,
            model=row.model,
            step=row.step or "",
            step_try=row.step_try,
        )
        for row in rows
    ]


_SUMS = (
    sa.func.count(),
    sa.func.sum(sa.case((_m.closed_at.is_(None), 1), else_=0)),
    sa.func.sum(sa.case((sa.and_(_m.closed_at.is_not(None), _m.cost_pico.is_(None)), 1), else_=0)),
    sa.func.sum(_m.input_tokens),
    sa.func.sum(_m.output_tokens),
    sa.func.sum(_m.cache_read_tokens),
    sa.func.sum(_m.cache_write_tokens),
    sa.func.sum(_m.reasoning_tokens),
    sa.func.coalesce(sa.func.sum(_m.cost_pico), 0),
)


_PER_RUN = (*_SUMS, sa.func.max(_m.cost_source), sa.func.min(_m.first_token_ms))
_METRICS = sa.select(*_PER_RUN).where(_m.run_id == sa.bindparam("of_run"))


def metrics_of_run(connection: sa.Connection, run_id: str) -> RunMetrics | None:
    """A run's sums over all its calls, all attempts, failed and open ones too; None when it made none."""
    row = connection.execute(_METRICS, {"of_run": run_id}).one()
    return None if row[0] == 0 else _metrics(row)


def metrics_of(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, RunMetrics]:
    """`metrics_of_run` for many runs at once; runs without calls are left out."""
    query = sa.select(*_PER_RUN, _m.run_id).where(_m.run_id.in_(run_ids)).group_by(_m.run_id)
    return {row.run_id: _metrics(row) for row in connection.execute(query)}


def metrics_of_steps(connection: sa.Connection, run_ids: Sequence[str]) -> dict[tuple[str, int, str, int], RunMetrics]:
    """The sums of each try of each step that made calls, by run, attempt, path and number."""
    keys = (_m.run_id, _m.attempt, _m.step, _m.step_try)
    query = sa.select(*_PER_RUN, *keys).where(_m.run_id.in_(run_ids), _m.step.is_not(None)).group_by(*keys)
    return {(r.run_id, r.attempt, r.step, r.step_try): _metrics(r) for r in connection.execute(query)}


def _metrics(row: sa.Row[Any]) -> RunMetrics:
    calls, still_open, unknown, inp, out, read, write, reasoning, pico, source, first = tuple(row)[:11]
    known = not unknown and not still_open  # an open call was possibly billed: nobody knows at what
    cost_source: CostSource = source if known and source is not None else "unknown"
    return RunMetrics(
        input_tokens=int(inp),
        output_tokens=int(out),
        cache_read_tokens=int(read),
        cache_write_tokens=int(write),
        reasoning_tokens=int(reasoning),
        cost=dollars(int(pico)) if known else None,
        cost_source=cost_source,
        model_calls=calls,
        time_to_first_token=None if first is None else first / 1000,
    )


def batch_cost(connection: sa.Connection, batch_id: str) -> Decimal | None:
    """What a batch's own runs cost, None when a price is unknown; runs it found known already cost it nothing."""
    i = batch_items.c
    own = sa.select(i.run_id).where(i.batch_id == batch_id, i.disposition == "new")
    row = connection.execute(sa.select(_SUMS[1], _SUMS[2], _SUMS[8]).where(_m.run_id.in_(own))).one()
    return None if row[0] or row[1] else dollars(int(row[2]))
