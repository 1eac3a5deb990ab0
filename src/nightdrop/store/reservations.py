"""Reserving what a call may cost: the look at what was spent and the ledger's new row are one transaction.

The reservation is a column of the row itself: a call left open keeps it, a closed one counts at its cost.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from nightdrop.errors import BudgetExceeded
from nightdrop.records.budget import BUDGET, Cap, Need
from nightdrop.records.model_call import CallOpened, dollars, dollars_text
from nightdrop.store.model_calls import open_call
from nightdrop.store.tables import batch_items, model_calls, runs
from nightdrop.store.turns import take_turn

MOST_SENT_TOKENS = 16_384
"""The longest answer asked for where a budget does not leave the model's maximum: models take no larger numbers than
their own maximum, and that is not known of all of them."""

SHARE = 8
"""A call that chooses the length of its answer leaves room for so many like it, itself included, as long as it can."""

SETTLES_SECONDS = 3.0
LOOK_AGAIN_SECONDS = 60.0

_m = model_calls.c
_RESERVED = sa.func.coalesce(_m.reserved_pico, 0)
_COUNTS = sa.func.coalesce(_m.cost_pico, _m.reserved_pico, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one process knows of a scope, so that it need not be summed anew for each call.

    seen_to: the opening of the newest call counted. settled: pico-dollars of closed ones, which never change. open:
    what the others reserved. Exact because `reserve` gives openings in the order of its commits.
    """

    seen_to: int
    settled: int = 0
    open: Mapping[str, int] = field(default_factory=dict)

    @property
    def spent(self) -> int:
        """Pico-dollars, open calls at what they reserved."""
        return self.settled + sum(self.open.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A call that may be made. tokens: the most that its answer may have. tallies: by scope, to be kept once this is
    committed."""

    tokens: int
    tallies: Mapping[str, Tally]


def reserve(
    connection: sa.Connection,
    call: CallOpened,
    need: Need,
    caps: Sequence[Cap],
    known: Mapping[str, Tally],
    *,
    alive_since: int,
) -> Reserved:
    """Open a call that fits into every cap. Raises BudgetExceeded, and then nothing is written.

    alive_since: a call opened before this time is under way nowhere, whatever its row says.
    """
    take_turn(connection, "budgets")  # one for all: a transaction may reserve for several runs, in any order
    tallies = _look(connection, caps, known)
    before = next((t.open[call.call_id] for t in tallies.values() if call.call_id in t.open), None)
    if before is not None:  # again, after a lost acknowledgement
        tokens = need.most if need.token_pico == 0 else (before - need.input_pico) // need.token_pico
        return Reserved(tokens=tokens, tallies=tallies)
    tokens = _answer_tokens(need, [(cap, cap.pico - tallies[cap.scope].spent) for cap in caps])
    if tokens < need.least:
        raise _refusal(connection, need, caps, tallies, alive_since)
    opened_at = max(call.opened_at, *(tally.seen_to + 1 for tally in tallies.values()))
    open_call(connection, replace(call, opened_at=opened_at, reserved_pico=need.pico(tokens)))
    return Reserved(tokens=tokens, tallies=tallies)


def spent(connection: sa.Connection, cap: Cap) -> int:
    """Pico-dollars that count against a cap now, open calls at what they reserved."""
    return _look(connection, [cap], {})[cap.scope].spent


def used_up(connection: sa.Connection, now_ms: int) -> list[str]:
    """Budgets that runs wait for, by what they are called; not those where calls under way only have to settle."""
    c = runs.c
    soon = now_ms + int(SETTLES_SECONDS * 1000)
    query = sa.select(c.waits_for).where(
        c.status == sa.literal_column("'PENDING'"),
        c.waits_for.is_not(None),
        c.not_before > soon,
        c.waits_for.startswith(BUDGET),
    )
    return sorted(connection.scalars(query.distinct()))


def _answer_tokens(need: Need, room: Sequence[tuple[Cap, int]]) -> int:
    """The most tokens that the answer may have; fewer than `need.least` when it does not fit."""
    tokens = need.most
    for cap, left in room:
        if need.pico(need.least) > left:
            return -1
        share = left // SHARE if cap.is_shared else left
        if need.pico(tokens) > share:
            tokens = max(need.least, _affordable(need, share))
    return tokens if tokens == need.most else min(tokens, max(need.least, MOST_SENT_TOKENS))


def _affordable(need: Need, pico: int) -> int:
    return need.most if need.token_pico == 0 else (pico - need.input_pico) // need.token_pico


def _refusal(
    connection: sa.Connection, need: Need, caps: Sequence[Cap], tallies: Mapping[str, Tally], alive_since: int
) -> BudgetExceeded:
    least = need.pico(need.least)
    cap = next(cap for cap in caps if least > cap.pico - tallies[cap.scope].spent)
    tally = tallies[cap.scope]
    words = (
        f"{cap} does not leave what this call may cost, {_dollars(least)} USD: "
        f"{_dollars(tally.spent)} USD are spent or reserved"
    )
    wait: float | None = None
    settles = False
    if least <= cap.pico:  # else it never fits
        settles = least <= cap.pico - tally.spent + _under_way(connection, tally, alive_since)
        if settles:
            wait = SETTLES_SECONDS
        elif cap.on_exceeded == "wait" and cap.is_shared:
            wait = LOOK_AGAIN_SECONDS
    return BudgetExceeded(words, wait_seconds=wait, settles=settles, kind=cap.kind, key=cap.key, budget=str(cap))


def _dollars(pico: int) -> str:
    return dollars_text(dollars(pico))


def _look(connection: sa.Connection, caps: Sequence[Cap], known: Mapping[str, Tally]) -> dict[str, Tally]:
    """The tally of each scope as it is now: what was opened since, and what has been closed of what was open."""
    before = {cap.scope: known.get(cap.scope) or Tally(seen_to=cap.since - 1) for cap in caps}
    were_open = {call_id for tally in before.values() for call_id in tally.open}
    closed: dict[str, int] = {}
    if were_open:
        closed = {row.call_id: int(row.pico) for row in connection.execute(_CLOSED, {"ids": list(were_open)})}
    return {cap.scope: _look_at(connection, cap, before[cap.scope], closed) for cap in caps}


def _look_at(connection: sa.Connection, cap: Cap, tally: Tally, closed: Mapping[str, int]) -> Tally:
    still_open = {call_id: pico for call_id, pico in tally.open.items() if call_id not in closed}
    settled = tally.settled + sum(closed[call_id] for call_id in tally.open if call_id in closed)
    seen_to = tally.seen_to
    values = {"key": cap.key, "seen_to": tally.seen_to, "until": cap.until}
    for row in connection.execute(_opened_since(cap.kind), values):
        if row.newest is None:
            continue
        seen_to = max(seen_to, row.newest)
        if row.open_id is None:
            settled += int(row.pico)
        else:
            still_open[row.open_id] = int(row.pico)
    return Tally(seen_to=seen_to, settled=settled, open=still_open)


def _under_way(connection: sa.Connection, tally: Tally, alive_since: int) -> int:
    """What calls have reserved that are on their way now: they will cost less, mostly."""
    if not tally.open:
        return 0
    return int(connection.execute(_UNDER_WAY, {"ids": list(tally.open), "alive_since": alive_since}).scalar() or 0)


_CLOSED = sa.select(_m.call_id, _COUNTS.label("pico")).where(
    _m.call_id.in_(sa.bindparam("ids", expanding=True)), _m.closed_at.is_not(None)
)
_UNDER_WAY = sa.select(sa.func.sum(_RESERVED)).where(
    _m.call_id.in_(sa.bindparam("ids", expanding=True)),
    _m.closed_at.is_(None),
    _m.outcome.is_(None),
    _m.opened_at >= sa.bindparam("alive_since"),
)


@functools.cache
def _opened_since(kind: str) -> sa.Select[Any]:
    """Calls of a scope opened after a time, in one statement so that each counts once: one row for each open call, one
    for all closed ones together."""
    key: sa.BindParameter[str] = sa.bindparam("key")
    open_id = sa.case((_m.closed_at.is_(None), _m.call_id), else_=sa.null())
    query = (
        sa.select(
            open_id.label("open_id"), sa.func.sum(_COUNTS).label("pico"), sa.func.max(_m.opened_at).label("newest")
        )
        .where(_m.opened_at > sa.bindparam("seen_to"))
        .group_by(sa.text("1"))
    )
    if kind == "per_run":
        return query.where(_m.run_id == key)
    if kind == "per_batch":
        i = batch_items.c
        return query.where(sa.exists().where(i.batch_id == key, i.run_id == _m.run_id, i.disposition == "new"))
    query = query.where(_m.opened_at < sa.bindparam("until"))
    if kind == "per_day":
        query = query.where(sa.exists().where(runs.c.run_id == _m.run_id, runs.c.subject_id == key))
    return query
