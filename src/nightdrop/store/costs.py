"""What the ledger says, summed by a key or call by call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa

from nightdrop.records.cost import CostRow, Costs, LedgerCall
from nightdrop.records.model_call import dollars
from nightdrop.store.tables import model_calls, run_files, runs, schedule_runs, schedules

CostKey = Literal[
    "day", "agent", "step", "model", "batch", "document", "schedule", "provider", "run", "outcome", "tier"
]

COST_KEYS: tuple[CostKey, ...] = get_args(CostKey)

_m = model_calls.c
_LEDGER = model_calls.outerjoin(runs, runs.c.run_id == _m.run_id)
_FAILED = sa.and_(_m.outcome.is_not(None), _m.outcome != "answered")

_SCHEDULE = (  # one that was deleted is called by its id
    sa.select(sa.func.coalesce(schedules.c.name, schedule_runs.c.schedule_id))
    .select_from(schedule_runs.outerjoin(schedules, schedules.c.id == schedule_runs.c.schedule_id))
    .where(schedule_runs.c.id == runs.c.schedule_run_id)
    .scalar_subquery()
)


def _count(condition: Any) -> Any:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _sum(column: Any) -> Any:
    return sa.func.coalesce(sa.func.sum(column), 0)


_SUMS = (
    sa.func.count().label("calls"),
    _count(_m.closed_at.is_(None)).label("open_calls"),
    _count(_FAILED).label("failed_calls"),
    _count(sa.and_(_m.closed_at.is_not(None), _m.cost_pico.is_(None))).label("unknown"),
    *[
        _sum(_m[name]).label(name)
        for name in (
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "cost_pico",
            "saved_pico",
        )
    ],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which calls. since and until compare when a call was opened: from since on, before until. provider: all its APIs,
    `openai-chat` too where it is `openai`."""

    since: datetime | None = None
    until: datetime | None = None
    agent: str | None = None
    run_id: str | None = None
    batch_id: str | None = None
    provider: str | None = None

    def conditions(self) -> list[Any]:
        """As SQL."""
        found: list[Any] = []
        if self.since is not None:
            found.append(_m.opened_at >= _ms(self.since))
        if self.until is not None:
            found.append(_m.opened_at < _ms(self.until))
        wanted = (
            (runs.c.subject_id, self.agent),
            (_m.run_id, self.run_id),
            (runs.c.batch_id, self.batch_id),
        )
        if self.provider is not None:
            found.append((_m.provider == self.provider) | _m.provider.startswith(f"{self.provider}-", autoescape=True))
        return found + [column == value for column, value in wanted if value is not None]


def costs(connection: sa.Connection, by: CostKey, which: CallFilter) -> Costs:
    """The ledger summed under each key, and in all. Calls without the key (of no batch, say) stand under `none`."""
    key = _keys(connection)[by].label("key")
    grouped = (
        sa.select(key, *_SUMS)
        .select_from(_LEDGER)
        .where(*which.conditions())
        .group_by(sa.text("key"))
        .order_by(sa.text("key"))
    )
    items = tuple(_row(row, "none" if row.key is None else str(row.key)) for row in connection.execute(grouped))
    total = connection.execute(sa.select(*_SUMS).select_from(_LEDGER).where(*which.conditions())).one()
    return Costs(items=items, total=_row(total, None))


def calls(
    connection: sa.Connection, which: CallFilter, *, limit: int, cursor: str | None = None
) -> tuple[list[LedgerCall], str | None]:
    """One page of single calls, newest first, and the cursor of the next page (None on the last).

    call ids are made in order of time, so that they page without gaps while calls are made.
    """
    query = sa.select(model_calls, runs.c.subject_id, runs.c.batch_id).select_from(_LEDGER).where(*which.conditions())
    if cursor is not None:
        query = query.where(_m.call_id < cursor)
    rows = connection.execute(query.order_by(_m.call_id.desc()).limit(limit + 1)).all()
    page = [_call(row) for row in rows[:limit]]
    return page, page[-1].call_id if len(rows) > limit else None


def _row(row: sa.Row[Any], key: str | None) -> CostRow:
    return CostRow(
        key=key,
        calls=row.calls,
        open_calls=int(row.open_calls),
        failed_calls=int(row.failed_calls),
        input_tokens=int(row.input_tokens),
        output_tokens=int(row.output_tokens),
        cache_read_tokens=int(row.cache_read_tokens),
        cache_write_tokens=int(row.cache_write_tokens),
        cost=None if row.unknown else dollars(int(row.cost_pico)),
        saved=dollars(int(row.saved_pico)),
    )


def _call(row: sa.Row[Any]) -> LedgerCall:
    own = ("call_id", "run_id", "batch_id", "attempt", "number", "provider", "model", "outcome", "input_tokens")
    rest = (
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "cost_source",
        "price_version",
        "tier",
    )
    return LedgerCall(
        **{name: getattr(row, name) for name in (*own, *rest)},
        agent_id=row.subject_id,
        opened_at=_moment(row.opened_at),
        closed_at=None if row.closed_at is None else _moment(row.closed_at),
        cost=None if row.cost_pico is None else dollars(row.cost_pico),
        saved=None if row.saved_pico is None else dollars(row.saved_pico),
    )


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


def _keys(connection: sa.Connection) -> dict[CostKey, Any]:
    first_file = sa.select(sa.func.min(run_files.c.sha256)).where(run_files.c.run_id == _m.run_id).scalar_subquery()
    if connection.dialect.name == "sqlite":
        day: Any = sa.func.strftime("%Y-%m-%d", _m.opened_at / 1000, "unixepoch")
    else:
        day = sa.func.to_char(sa.func.to_timestamp(_m.opened_at / 1000).op("AT TIME ZONE")("UTC"), "YYYY-MM-DD")
    return {
        "day": day,
        "agent": runs.c.subject_id,
        "step": sa.case((_m.step.is_(None), runs.c.subject_id), else_=runs.c.subject_id + sa.literal("/") + _m.step),
        "model": _m.provider + sa.literal(":") + _m.model,
        "batch": runs.c.batch_id,
        "document": first_file,
        "schedule": _SCHEDULE,
        "provider": _m.provider,
        "run": _m.run_id,
        "outcome": sa.func.coalesce(_m.outcome, "unrecorded"),
        "tier": _m.tier,
    }
