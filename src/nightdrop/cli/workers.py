"""`nightdrop workers`: which processes execute on the database, and what waits for one that does not exist."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nightdrop.cli.errors import reports_errors
from nightdrop.cli.options import DB, JSON

if TYPE_CHECKING:
    from nightdrop.store.executors import ExecutorRow


@click.command()
@DB
@JSON
@reports_errors
def workers(db: str | None, as_json: bool) -> None:
    """Processes that execute runs: host, version, agents, last heartbeat; and runs that none of them can execute."""
    from nightdrop.cli.load import existing_database
    from nightdrop.cli.show import print_json, print_table
    from nightdrop.engine.identity import is_dead
    from nightdrop.store.executors import list_executors, runs_in_hand
    from nightdrop.store.load import stranded_subjects, worker_hint

    with existing_database(db).read() as connection:
        rows = list_executors(connection)
        in_hand = runs_in_hand(connection)
        alive = [row for row in rows if not is_dead(row)]
        stranded = stranded_subjects(connection, [row.registry for row in alive])
    items = [_item(row, in_hand.get(row.executor_id, 0), row in alive) for row in reversed(rows)]
    if as_json:
        waiting = [
            {"agent_id": w.subject_id, "revision": w.revision, "runs": w.count, "hint": worker_hint(w.subject_id)}
            for w in stranded
        ]
        print_json({"items": items, "next_cursor": None, "waiting_without_worker": waiting})
        return
    print_table(
        ["WORKER", "HOST", "PID", "ROLE", "STATE", "VERSION", "RUNS", "AT ONCE", "HEARTBEAT", "AGENTS"],
        [_line(item) for item in items],
        fold="AGENTS",
    )
    for w in stranded:
        click.echo(
            f"{w.count} runs of {w.subject_id} at revision {w.revision} wait, and no live process has that revision "
            f"loaded: {worker_hint(w.subject_id)}"
        )


def _item(row: ExecutorRow, in_hand: int, alive: bool) -> dict[str, Any]:
    from nightdrop.clock import iso, to_datetime

    return {
        "executor_id": row.executor_id,
        "host": row.host,
        "pid": row.pid,
        "role": row.role,
        "state": row.state if alive else "dead",
        "version": row.version,
        "runs": in_hand,
        "concurrency": row.concurrency,
        "agents": json.loads(row.registry),
        "started_at": iso(to_datetime(row.started_at)),
        "heartbeat_at": iso(to_datetime(row.heartbeat_at)),
        "heartbeat_age_seconds": round(row.age_ms / 1000, 3),
    }


def _line(item: dict[str, Any]) -> list[str]:
    agents = ", ".join(f"{a['id']}@{a['revision']}" for a in item["agents"])
    return [
        item["executor_id"],
        item["host"],
        str(item["pid"]),
        item["role"],
        item["state"],
        item["version"],
        str(item["runs"]),
        str(item["concurrency"]),
        f"{item['heartbeat_age_seconds']:.1f} s ago",
        agents,
    ]
