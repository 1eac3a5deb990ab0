"""The lease: this process says that it lives, and looks after the runs of those that no longer do.

DBOS's open-source package leaves another process's dead work alone; this thread gives it back to the queue.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.engine.identity import Identity, is_dead, is_watched
from nightdrop.engine.registry import Registry
from nightdrop.errors import NightdropError
from nightdrop.store import Database
from nightdrop.store import executors as rows
from nightdrop.store.attempts import cancelled_among
from nightdrop.store.release import Death, release
from nightdrop.store.turns import came_second

log = logging.getLogger("nightdrop.engine")

_ROUND_SECONDS = 1.0


class Lease:
    """A thread of its own, so that a busy event loop is never taken for a dead process."""

    def __init__(
        self, db: Database, identity: Identity, registry: Registry, lease_seconds: float, concurrency: int = 0
    ) -> None:
        self._db = db
        self._concurrency = concurrency
        self._blind_until = 0.0  # the database was away: nobody could renew, so leases tell nothing yet
        self._identity = identity
        self._registry = registry
        self._lease_seconds = lease_seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> int:
        """Register this process and take back what dead ones left; returns how many runs went back to the queue."""
        self._register()
        return self.reclaim()

    def keep(
        self,
        on_cancel: Callable[[list[str]], None],
        on_reclaim: Callable[[str], None],
        on_lost: Callable[[], None],
    ) -> None:
        """Renew until `end`. on_cancel hears of runs asked to stop, on_reclaim of each executor found dead, on_lost
        when this process was itself taken for dead and has a new lease."""
        self._on_lost = on_lost
        self._thread = threading.Thread(
            target=self._run, args=(on_cancel, on_reclaim), name="nightdrop-lease", daemon=True
        )
        self._thread.start()

    def reclaim(self, on_reclaim: Callable[[str], None] | None = None) -> int:
        """Put the open runs of dead executors back in the queue."""
        me, returned = self._identity.executor_id, 0
        with self._db.read() as connection:
            others = [row for row in rows.list_executors(connection) if row.executor_id != me]
            has_orphans = rows.has_orphans(connection)
        trust_lease = clock.monotonic() >= self._blind_until
        for row in [row for row in others if is_dead(row, trust_lease=trust_lease)]:
            death: Death = "crash" if is_watched(row) else "suspect"
            count = self._db.transact(
                partial(rows.reclaim, executor_id=row.executor_id, heartbeat_at=row.heartbeat_at, death=death)
            )
            if count is None:
                continue
            returned += count
            log.info("executor %s is gone: %d of its runs are queued again", row.executor_id, count)
            if on_reclaim is not None:
                on_reclaim(row.executor_id)
        if has_orphans:
            returned += self._db.transact(rows.release_orphans)
        return returned

    def drain(self) -> None:
        """Say that this process takes nothing new."""
        self._db.transact(partial(rows.set_state, executor_id=self._identity.executor_id, state="draining"))

    def end(self) -> None:
        """Hand back this process's open runs and give up the lease."""
        self._stop.set()
        self._db.transact(partial(_give_up, executor_id=self._identity.executor_id))
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _register(self) -> None:
        row = {
            **self._identity.to_row(),
            "version": version("nightdrop"),
            "registry": self._registry.to_json(),
            "lease_ms": int(self._lease_seconds * 1000),
            "concurrency": self._concurrency,
        }
        self._db.transact(partial(rows.register, row=row))

    def _run(self, on_cancel: Callable[[list[str]], None], on_reclaim: Callable[[str], None]) -> None:
        since = 0.0
        while not self._stop.wait(_ROUND_SECONDS):
            since += _ROUND_SECONDS
            try:
                if since >= self._lease_seconds / 4:
                    since = 0.0
                    self._renew()
                self.reclaim(on_reclaim)
                with self._db.read() as connection:
                    asked = cancelled_among(connection, self._identity.executor_id)
                if asked:
                    on_cancel(asked)
            except NightdropError as error:
                if came_second(error):  # others were quicker, five times: the database is there
                    log.info("the lease is renewed a little later: %s", error)
                    continue
                self._blind_until = clock.monotonic() + self._lease_seconds
                log.warning("the lease could not be renewed, trying again: %s", error)
            except Exception:  # the edge of a thread that must outlive a database that is away for a while
                self._blind_until = clock.monotonic() + self._lease_seconds
                log.exception("the lease could not be renewed, trying again")

    def _renew(self) -> None:
        kept = self._db.transact(
            partial(rows.heartbeat, executor_id=self._identity.executor_id, registry=self._registry.to_json())
        )
        if not kept and not self._stop.is_set():
            log.warning("this process was taken for dead; it takes a new lease")
            self._register()
            self._on_lost()


def _give_up(connection: sa.Connection, executor_id: str) -> None:
    rows.reclaim(connection, executor_id)
    release(connection, executor_id)  # also where the lease had been lost
