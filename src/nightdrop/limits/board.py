"""This process's governors and accounts, and how they agree with other processes over the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import NightdropError
from nightdrop.limits.accounts import Account, pause_of
from nightdrop.limits.governor import Governor
from nightdrop.limits.key import LimitKey
from nightdrop.limits.window import FIRST
from nightdrop.records.rate_limit import RateLimit
from nightdrop.store import providers as provider_rows
from nightdrop.store import rates as rate_rows

T = TypeVar("T")
log = logging.getLogger("nightdrop.limits")

_ROUND_SECONDS = 1.0
_IDLE_SECONDS = 10.0
_LEARN_ROUNDS = 5


class Rows(Protocol):
    """How the database is reached without blocking the loop: the engine's desk."""

    async def read(self, query: Callable[[sa.Connection], T]) -> T:
        """Run a query."""

    async def write(self, operation: Callable[[sa.Connection], T]) -> T:
        """Run an operation; returns after its commit."""


class Board:
    """Without `rows` (no database) limits are this process's own, and no provider is ever paused."""

    def __init__(self, rows: Rows | None = None, executor_id: str = "") -> None:
        self._rows = rows
        self._executor_id = executor_id
        self._governors: dict[str, Governor] = {}
        self._accounts: dict[str, Account] = {}
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._pauses: Sequence[provider_rows.ProviderPause] = ()

    @property
    def is_shared(self) -> bool:
        """Whether other processes see it."""
        return self._rows is not None

    def governor(self, key: LimitKey, limit: RateLimit) -> Governor:
        """The governor of a key, made when it is first asked for. The limit is that of the first caller."""
        found = self._governors.get(key.name)
        if found is None or found.pace.limit != limit:
            found = self._governors[key.name] = Governor(key.name, limit, shared=self.is_shared)
            self._wake.set()
        elif clock.monotonic() - found.asked_at > _IDLE_SECONDS:
            self._wake.set()  # its share has gone to others meanwhile
        return found

    def width(self, key: str) -> float:
        """Calls at a time that this process may make under a key, as far as it knows."""
        found = self._governors.get(key)
        return FIRST if found is None else found.pace.width

    def account(self, name: str) -> Account:
        """What is known of an account."""
        if name not in self._accounts:
            self._accounts[name] = Account(name=name, pause=pause_of(name, self._pauses))
        return self._accounts[name]

    async def start(self) -> None:
        """Read who is paused, and begin to agree with the other processes."""
        await self._read_pauses()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Agree no more, and let the others have this process's parts."""
        task, self._task = self._task, None
        if task is None or self._rows is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        try:
            await self._rows.write(partial(rate_rows.give_up, executor_id=self._executor_id))
        except NightdropError as error:
            log.info("parts of limits are given up when their lease ends: %s", error)

    async def open(self, account: Account, code: str, message: str) -> None:
        """Pause an account for every process."""
        if self._rows is None:
            return
        log.warning("provider %s is paused, for every process: %s: %s", account.name, code, message)
        await self._rows.write(
            partial(provider_rows.open_pause, name=account.name, code=code, message=message, now_ms=clock.now_ms())
        )
        await self._read_pauses()

    async def close(self, account: Account) -> None:
        """An account answers again: what waits for it goes on."""
        if self._rows is None:
            return
        freed = await self._rows.write(partial(provider_rows.close_pause, name=account.name))
        if freed is not None:
            log.warning("provider %s answers again: %d runs that waited for it go on", account.name, freed)
        await self._read_pauses()

    async def take_probe(self, account: Account) -> bool:
        """Whether this call may try a paused account, of all processes."""
        if self._rows is None:
            return True
        taken = await self._rows.write(partial(provider_rows.take_probe, name=account.name, now_ms=clock.now_ms()))
        await self._read_pauses()
        return taken

    async def _read_pauses(self) -> None:
        if self._rows is None:
            return
        self._pauses = await self._rows.read(provider_rows.list_pauses)
        for account in self._accounts.values():
            account.pause = pause_of(account.name, self._pauses)

    async def _run(self) -> None:
        rounds = 0
        while True:
            rounds += 1
            try:
                await self._read_pauses()
                await self._renew(learns=rounds % _LEARN_ROUNDS == 0)
            except Exception as error:  # noqa: BLE001 - the edge of a loop that outlives a database
                log.warning("limits could not be agreed on, trying again: %s: %s", type(error).__name__, error)
            self._wake.clear()
            await _at_most(self._wake.wait(), 0.05 if self._has_new() else _ROUND_SECONDS)

    def _has_new(self) -> bool:
        return any(governor.is_new for governor in self._governors.values())

    async def _renew(self, *, learns: bool) -> None:
        now = clock.monotonic()
        active = [
            g for g in self._governors.values() if g.waiting or g.pace.in_flight or now - g.asked_at < _IDLE_SECONDS
        ]
        if self._rows is None or not active:
            return
        demands = [
            rate_rows.Demand(
                key=g.key,
                waiting=g.waiting,
                in_flight=g.pace.in_flight,
                places=None if g.pace.limit.concurrency == "auto" else g.pace.limit.concurrency,
                width=g.pace.width if g.pace.window is not None else 0.0,
            )
            for g in active
        ]
        shares = await self._rows.write(partial(_renew_all, self._executor_id, demands, learns))
        for governor, share in zip(active, shares, strict=True):
            governor.share(share)


def _renew_all(
    executor_id: str, demands: list[rate_rows.Demand], learns: bool, connection: sa.Connection
) -> list[rate_rows.Share]:
    shares = [rate_rows.renew(connection, executor_id, demand) for demand in sorted(demands, key=lambda d: d.key)]
    if learns:
        for demand in demands:
            if demand.width > 0:
                rate_rows.learn(connection, demand.key)
    by_key = {demand.key: share for demand, share in zip(sorted(demands, key=lambda d: d.key), shares, strict=True)}
    return [by_key[demand.key] for demand in demands]


async def _at_most(waiting: Awaitable[Any], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return


_board: Board | None = None


def board() -> Board:
    """This process's board: the running engine's, else one of its own for runs without a database."""
    global _board
    if _board is None:
        _board = Board()
    return _board


def use_board(made: Board | None) -> None:
    """The engine puts its board here, and takes it away when it stops."""
    global _board
    _board = made
