"""What may be spent, as its user says it; what a call needs of it; and all that a run's calls count against."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from nightdrop.errors import UsageError
from nightdrop.records.model_call import PICO, dollars, dollars_text

BUDGET = "the budget of"
"""How the name of a cap begins, also where a row says what a run waits for."""

OnExceeded = Literal["fail", "wait"]
CapKind = Literal["per_run", "per_batch", "per_day", "database"]

_MOST_DOLLARS = Decimal(1_000_000)
_CHOICES = {"on_exceeded": ("fail", "wait"), "price_unknown": ("refuse", "allow")}
_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an agent may spend, in US dollars, over all processes on one database; None: as much as it takes.

    per_day is a day in UTC. on_exceeded: a run that no longer fits ends as `budget_exceeded`, or waits in the queue.
    price_unknown: a model whose price nobody knows is refused before it is called, or its calls are not counted.
    Amounts may be given as Decimal, int, float or text. Raises UsageError.
    """

    per_run: Decimal | int | float | str | None = None
    per_batch: Decimal | int | float | str | None = None
    per_day: Decimal | int | float | str | None = None
    on_exceeded: OnExceeded = "fail"
    price_unknown: Literal["refuse", "allow"] = "refuse"

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _CHOICES:
                if value not in _CHOICES[item.name]:
                    choices = " or ".join(map(repr, _CHOICES[item.name]))
                    raise UsageError(f"Budget({item.name}={value!r}): choose {choices}")
            elif value is not None:
                object.__setattr__(self, item.name, amount_of(value, f"Budget({item.name}={value!r})"))


def amount_of(value: Any, where: str) -> Decimal:
    """US dollars from what a user wrote; `where` names it in what is raised. Raises UsageError."""
    try:
        amount = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 < amount <= _MOST_DOLLARS:
        raise UsageError(f'{where}: give US dollars above 0 and up to {_MOST_DOLLARS:,}, such as "5.00"')
    return amount


def pico_of(amount: Decimal | int | float | str) -> int:
    """US dollars as the ledger's pico-dollars."""
    return int(Decimal(str(amount)) * PICO)


def name_of_batch_budget(amount: str, batch_id: str) -> str:
    """What a batch's budget is called, where a row says that a run waits for it."""
    return f"{BUDGET} {amount} for the batch {batch_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """One bound on a sum of calls. key: the run, batch or agent. since, until: of their opening, in milliseconds."""

    kind: CapKind
    key: str
    pico: int
    on_exceeded: OnExceeded
    since: int = 0
    until: int | None = None

    @property
    def scope(self) -> str:
        """What is summed: caps with the same scope have the same sum."""
        return f"{self.kind}:{self.key}:{self.since}"

    @property
    def is_shared(self) -> bool:
        """Whether several runs spend of it at the same time."""
        return self.kind != "per_run"

    def __str__(self) -> str:
        amount = f"{dollars_text(dollars(self.pico))} USD"
        if self.kind == "per_batch":
            return name_of_batch_budget(amount, self.key)
        what = {
            "per_run": "for one run",
            "per_day": f"a day (UTC) for {self.key}",
            "database": "a day (UTC) for the whole database (NIGHTDROP_BUDGET_PER_DAY)",
        }[self.kind]
        return f"{BUDGET} {amount} {what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a call takes at list price, in pico-dollars: its input, and each token of its answer.

    most, least: tokens of the answer; between them the budget may choose, equal when the user said how many.
    """

    input_pico: int
    token_pico: int
    most: int
    least: int

    def pico(self, tokens: int) -> int:
        """With so many tokens of answer."""
        return self.input_pico + tokens * self.token_pico


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOfRun:
    """The batch that a run is worked on for. budget_pico, on_budget: its own budget, None: the agent's."""

    batch_id: str
    created_at: int
    budget_pico: int | None = None
    on_budget: OnExceeded | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """Every budget that the calls of one run count against. database: US dollars a day for all agents together."""

    run_id: str
    agent_id: str
    budget: Budget
    batch: BatchOfRun | None = None
    database: Decimal | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether there is any bound at all."""
        return bool(self.caps(0))

    def caps(self, now_ms: int) -> tuple[Cap, ...]:
        """The bounds as they are at a time: a day's begin anew at midnight UTC."""
        own, found = self.budget, []
        if own.per_run is not None:
            found.append(self._cap("per_run", self.run_id, pico_of(own.per_run)))
        per_batch = self._per_batch()
        if self.batch is not None and per_batch is not None:
            mode = self.batch.on_budget or own.on_exceeded
            found.append(self._cap("per_batch", self.batch.batch_id, per_batch, mode, since=self.batch.created_at))
        since, until = _day(now_ms)
        if own.per_day is not None:
            found.append(self._cap("per_day", self.agent_id, pico_of(own.per_day), since=since, until=until))
        if self.database is not None:
            found.append(self._cap("database", "", pico_of(self.database), since=since, until=until))
        return tuple(found)

    def _per_batch(self) -> int | None:
        if self.batch is not None and self.batch.budget_pico is not None:
            return self.batch.budget_pico
        return None if self.budget.per_batch is None else pico_of(self.budget.per_batch)

    def _cap(self, kind: CapKind, key: str, pico: int, mode: OnExceeded | None = None, **times: Any) -> Cap:
        return Cap(kind=kind, key=key, pico=pico, on_exceeded=mode or self.budget.on_exceeded, **times)


def _day(now_ms: int) -> tuple[int, int]:
    """The day in UTC around a time, in milliseconds."""
    since = now_ms - now_ms % _DAY_MS
    return since, since + _DAY_MS
