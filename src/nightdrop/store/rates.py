"""Parts of a limit: every process renews its own about once a second, and what all have never exceeds the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from nightdrop.store.executors import database_now
from nightdrop.store.tables import executors, rate_shares, rates
from nightdrop.store.turns import take_turn

LEASE_MS = 5000
"""How long a part that nobody renews is kept from the others."""

WHOLE = 1_000_000
_s, _r = rate_shares.c, rates.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a process needs of a limit. places: of the user's own concurrency, None: found out. width: calls at a time
    it came to by itself."""

    key: str
    waiting: int
    in_flight: int
    places: int | None
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a process has. share: of what is allowed per minute, 0 to 1. others: processes beside it. learned: calls at
    a time that all processes came to, None: nothing is known. fair: of what they have now, an even part of it."""

    places: int | None
    share: float
    others: int
    learned: float | None
    fair: float


def renew(connection: sa.Connection, executor_id: str, demand: Demand) -> Share:
    """Renew a process's part of one limit. It gives up at once what others need, and takes what they have given up."""
    take_turn(connection, f"rates:{demand.key}")
    now = int(connection.execute(sa.select(database_now(connection))).scalar_one())
    alive = sa.exists().where(executors.c.executor_id == _s.executor_id)
    gone = sa.or_(_s.renewed_at < now - LEASE_MS, sa.and_(_s.executor_id != executor_id, ~alive))
    connection.execute(sa.delete(rate_shares).where(_s.key == demand.key, gone))
    rows = connection.execute(sa.select(rate_shares).where(_s.key == demand.key)).all()
    others = [row for row in rows if row.executor_id != executor_id]
    mine = demand.waiting + demand.in_flight
    places = 0
    if demand.places is not None:
        fair = fair_part(demand.places, mine, [row.demand for row in others])
        places = max(min(fair, demand.places - sum(row.places for row in others)), 0)
    # A part smaller than what is under way is kept until that has ended: then the others may have it.
    places = max(places, min(demand.in_flight, demand.places or 0))
    fair_ppm = fair_part(WHOLE, mine, [row.demand for row in others], equal=False)
    ppm = max(min(fair_ppm, WHOLE - sum(row.share_ppm for row in others)), 0)
    values = {"demand": mine, "places": places, "share_ppm": ppm, "width": demand.width, "renewed_at": now}
    _put(connection, demand.key, executor_id, values, known=len(others) < len(rows))
    learned = connection.execute(sa.select(_r.concurrency).where(_r.key == demand.key)).scalar()
    hundredths = fair_part(
        round(100 * (demand.width + sum(row.width for row in others))), 100 * mine, [100 * row.demand for row in others]
    )
    return Share(
        places=None if demand.places is None else places,
        share=ppm / WHOLE,
        others=len(others),
        learned=learned,
        fair=hundredths / 100,
    )


def learn(connection: sa.Connection, key: str) -> None:
    """Keep what all processes came to together, for the next one that starts."""
    total = connection.execute(sa.select(sa.func.sum(_s.width)).where(_s.key == key)).scalar()
    if total is None:
        return
    values = {"concurrency": float(total), "updated_at": database_now(connection)}
    if connection.execute(sa.update(rates).where(_r.key == key).values(**values)).rowcount == 0:
        connection.execute(sa.insert(rates).values(key=key, **values))


def give_up(connection: sa.Connection, executor_id: str) -> None:
    """A process leaves: its parts are free at once."""
    connection.execute(sa.delete(rate_shares).where(_s.executor_id == executor_id))


def fair_part(whole: int, mine: int, others: list[int], *, equal: bool = True) -> int:
    """One's part of a whole among demands. equal: nobody gets more than needed while another needs it, and what is
    left is divided evenly; else in proportion to what each needs, with a little for those who need nothing now."""
    if not others:
        return whole
    if not equal:
        weights = [max(1, d) for d in (mine, *others)]
        return whole * weights[0] // sum(weights)
    needs = sorted([mine, *others])
    level = _level(whole, needs)
    rest = whole - sum(min(need, level) for need in needs)
    return min(mine, level) + rest // len(needs)


def _level(whole: int, needs: list[int]) -> int:
    """The most that one gets when `whole` is divided among needs."""
    left = whole
    for index, need in enumerate(needs):
        even = left // (len(needs) - index)
        if need > even:
            return even
        left -= need
    return whole


def _put(connection: sa.Connection, key: str, executor_id: str, values: dict[str, float], *, known: bool) -> None:
    if known:
        connection.execute(sa.update(rate_shares).where(_s.key == key, _s.executor_id == executor_id).values(**values))
    else:
        connection.execute(sa.insert(rate_shares).values(key=key, executor_id=executor_id, **values))


def limits_in_use(connection: sa.Connection) -> list[dict[str, Any]]:
    """Each limit with its processes and their demand, and the calls at a time they come to or came to last."""
    now = int(connection.execute(sa.select(database_now(connection))).scalar_one())
    query = (
        sa.select(_s.key, sa.func.count(), sa.func.sum(_s.demand), sa.func.sum(_s.width), sa.func.sum(_s.places))
        .where(_s.renewed_at >= now - LEASE_MS)
        .group_by(_s.key)
    )
    found: dict[str, dict[str, Any]] = {
        row.key: {"key": row.key, "concurrency": float(row.concurrency), "processes": 0, "demand": 0}
        for row in connection.execute(sa.select(rates))
    }
    for key, processes, demand, width, places in connection.execute(query):
        found[key] = {
            "key": key,
            "concurrency": float(width or places or 0),
            "processes": int(processes),
            "demand": int(demand),
        }
    return [found[key] for key in sorted(found)]
