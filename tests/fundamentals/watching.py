"""A watch in this process, with all that it tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nightdrop import Agent
from nightdrop.engine import engine_for
from nightdrop.portal import portal
from nightdrop.watch import RowsFile, Watcher, watch_call


@dataclass
class Told:
    """What a watch has told."""

    events: list[str] = field(default_factory=list)
    rows: list[Mapping[str, Any]] = field(default_factory=list)

    def event(self, name: str, **facts: Any) -> None:
        self.events.append(name)

    def result(self, row: Mapping[str, Any]) -> None:
        self.rows.append(row)

    @property
    def files(self) -> list[str]:
        """The names of the documents that have ended, in that order."""
        return [row["file"].rpartition("/")[2] for row in self.rows]


@contextmanager
def watching(
    agent: Agent, source: object, *, rows: RowsFile | None = None, settle: float = 0, after: str = "keep", **more: Any
) -> Iterator[Told]:
    """Watch while the block lasts; with once=True until all has ended, before the block."""
    told = Told()
    given = {"message": "Read.", "files": str(source), "settle_seconds": settle, "after": after}
    assert agent.db is not None
    agent.use(agent.db)
    call = watch_call(agent.spec.subject, given, **{"interval_seconds": 0.2, **more})
    engine = portal().call(engine_for(agent.db))
    watcher = Watcher(engine, call, told, rows)
    running = portal().start(watcher.run())
    try:
        if call.once:
            running.result(60)
        yield told
    finally:
        portal().loop.call_soon_threadsafe(watcher.stop)
        if not call.once:
            running.result(60)
        portal().call(watcher.close())
