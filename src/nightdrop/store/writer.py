"""One writing thread per process and database: many small writes share a commit, and none waits for SQLite's lock
against a sibling thread."""

from __future__ import annotations

import asyncio
import math
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import StorageFailed
from nightdrop.store.database import FAILED, Database
from nightdrop.store.turns import TURNS, came_second, must_retry

T = TypeVar("T")
Operation = Callable[[sa.Connection], Any]
_Item = tuple[Operation, Future[Any], float]  # when it was asked for

_AVERAGED_SECONDS = 3.0
_GROUP = 64
"""The most operations in one transaction: bounds how long the write lock is held."""


class Writer:
    """Runs operations in order, each wholly or not at all. A result is handed over only after its commit."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._closed = False
        self._seconds = 0.0
        self._measured_at = clock.monotonic()
        self._thread = threading.Thread(target=self._run, name="nightdrop-writer", daemon=True)
        self._thread.start()

    def submit(self, operation: Callable[[sa.Connection], T]) -> Future[T]:
        """Queue an operation; the future holds its result once it is committed, StorageFailed if it cannot be."""
        if self._closed:
            raise StorageFailed("the database was closed in this process")
        future: Future[T] = Future()
        self._queue.put((operation, future, clock.monotonic()))
        return future

    @property
    def seconds(self) -> float:
        """How long commits take from being asked for, waits for earlier ones included: the average of some seconds."""
        return self._seconds

    async def write(self, operation: Callable[[sa.Connection], T]) -> T:
        """Await an operation's commit. Shielded: a cancelled wait does not undo what was asked for."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(operation)))

    def close(self) -> None:
        """Finish what is queued and end the thread; what comes later is refused."""
        self._closed = True
        self._queue.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            group, stopping = self._next_group()
            if group:
                self._commit([item[:2] for item in group])
                self._measure(clock.monotonic(), group[0][2])

    def _measure(self, now: float, asked_at: float) -> None:
        """Weighted by time: a burst of quick commits between slow ones says little."""
        weight = 1 - math.exp((self._measured_at - now) / _AVERAGED_SECONDS)
        self._seconds += weight * (now - asked_at - self._seconds)
        self._measured_at = now

    def _next_group(self) -> tuple[list[_Item], bool]:
        group: list[_Item] = []
        item = self._queue.get()
        while item is not None:
            group.append(item)
            if len(group) == _GROUP or self._queue.empty():
                return group, False
            item = self._queue.get()
        return group, True

    def _commit(self, given: list[tuple[Operation, Future[Any]]]) -> None:
        # one that was cancelled while it waited is left out; from here on nobody can cancel
        group = [(operation, future) for operation, future in given if future.set_running_or_notify_cancel()]
        if len(group) == 1:
            self._alone(*group[0])
        elif group:
            self._together(group)

    def _together(self, group: list[tuple[Operation, Future[Any]]]) -> None:
        """All in one transaction, which nearly always goes well; where one of them fails, again with savepoints."""
        try:
            with self._db.write() as connection:
                values = [operation(connection) for operation, _ in group]
        except Exception as error:  # noqa: BLE001 - whose it is, is found out
            if isinstance(error.__cause__, FAILED):
                self._failed(group, error)
            else:
                self._apart(group)
        except BaseException as error:  # noqa: BLE001 - the edge of a thread: every waiter must hear of it
            self._failed(group, error)
        else:
            for (_, future), value in zip(group, values, strict=True):
                future.set_result(value)

    def _apart(self, group: list[tuple[Operation, Future[Any]]]) -> None:
        """In one transaction, but one that fails takes nothing along."""
        try:
            with self._db.write() as connection:
                outcomes = [_attempt(connection, operation) for operation, _ in group]
        except BaseException as error:  # noqa: BLE001 - the edge of a thread: every waiter must hear of it
            self._failed(group, error)
            return
        for (operation, future), (value, problem) in zip(group, outcomes, strict=True):
            if problem is None:
                future.set_result(value)
            elif must_retry(problem):
                self._alone(operation, future)
            else:
                future.set_exception(problem)

    def _failed(self, group: list[tuple[Operation, Future[Any]]], error: BaseException) -> None:
        """The database has failed, or the transaction met another one."""
        for operation, future in group:
            if came_second(error):
                self._alone(operation, future)
            else:
                future.set_exception(_as_failure(error))

    def _alone(self, operation: Operation, future: Future[Any]) -> None:
        """Run an operation that met another process's in a transaction of its own, which sees what that one did."""
        for left in range(TURNS, 0, -1):
            try:
                with self._db.write() as connection:
                    value = operation(connection)
            except BaseException as error:  # noqa: BLE001 - the edge of a thread: the waiter must hear of it
                if left > 1 and came_second(error):
                    continue
                # its own exception reaches its caller as it is; a database that fails is StorageFailed
                future.set_exception(_as_failure(error) if isinstance(error, FAILED) else error)
                return
            future.set_result(value)
            return


def _attempt(connection: sa.Connection, operation: Operation) -> tuple[Any, Exception | None]:
    """One operation's result or problem; a savepoint keeps a failed one from harming the others of its group."""
    savepoint = connection.begin_nested()
    try:
        value = operation(connection)
    except FAILED:
        raise  # the database itself fails (disk full): nothing of the group can be trusted
    except Exception as error:  # noqa: BLE001 - handed to the one who asked
        savepoint.rollback()
        return None, error
    savepoint.commit()
    return value, None


def _as_failure(error: BaseException) -> StorageFailed:
    return error if isinstance(error, StorageFailed) else StorageFailed(f"{type(error).__name__}: {error}")
