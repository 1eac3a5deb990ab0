"""The engine's own rows of runs that are over: removed over DBOS's public calls, without starting the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from dbos import DBOSClient

from nightdrop.clock import iso, to_datetime
from nightdrop.engine.dbos_host import NAME
from nightdrop.engine.serializer import JsonSerializer
from nightdrop.store import Database

_PAGE = 500

KeptRuns = Callable[[Sequence[str]], set[str]]


def forget_attempts(db: Database, over: Mapping[str, int]) -> int:
    """Remove the engine's rows of these runs' attempts up to the one named, which is over; returns how many.

    A later attempt, of a run that is replayed at this moment, keeps its own.
    """
    removed, run_ids = 0, list(over)
    with _client(db) as client:
        if client is None:
            return 0
        for at in range(0, len(run_ids), _PAGE):
            prefixes = [f"{run_id}:" for run_id in run_ids[at : at + _PAGE]]
            found = client.list_workflows(workflow_id_prefix=prefixes, load_input=False, load_output=False)
            ids = [w.workflow_id for w in found if _attempt(w.workflow_id) <= over[w.workflow_id.partition(":")[0]]]
            if ids:
                client.delete_workflows(ids)
            removed += len(ids)
    return removed


def forget_old_attempts(db: Database, cutoff_ms: int, kept_runs: KeptRuns) -> int:
    """Remove the engine's rows from before a time, but those of runs that `kept_runs` names; returns how many."""
    removed = passed = 0
    until = iso(to_datetime(cutoff_ms))
    with _client(db) as client:
        while client is not None:
            page = client.list_workflows(
                end_time=until, limit=_PAGE, offset=passed, load_input=False, load_output=False
            )
            if not page:
                break
            kept = kept_runs([workflow.workflow_id.partition(":")[0] for workflow in page])
            gone = [w.workflow_id for w in page if w.workflow_id.partition(":")[0] not in kept]
            if gone:
                client.delete_workflows(gone)
            removed += len(gone)
            passed += len(page) - len(gone)
    return removed


def _attempt(workflow_id: str) -> int:
    """Of `{run_id}:{attempt}` or `{run_id}:{attempt}.{dispatches}`."""
    return int(workflow_id.partition(":")[2].partition(".")[0])


@contextmanager
def _client(db: Database) -> Iterator[DBOSClient | None]:
    """DBOS's client on this database; None when no engine has ever worked on it."""
    schema = None if db.engine.dialect.name == "sqlite" else "dbos"
    if not sa.inspect(db.engine).has_table("queues", schema):
        yield None
        return
    client = DBOSClient(system_database_engine=db.engine, serializer=JsonSerializer(), application_name=NAME)
    try:
        yield client
    finally:
        client.destroy()
