"""Handing in once, however often it is sent: a client's key is committed with what it was answered with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Literal

import sqlalchemy as sa

from nightdrop.errors import KeyReused
from nightdrop.records.request import Accepted, Once, RunRequest
from nightdrop.records.run import RunStatus
from nightdrop.store.accept import accept
from nightdrop.store.tables import runs, submissions
from nightdrop.store.turns import take_turn


def accept_once(connection: sa.Connection, request: RunRequest, now_ms: int) -> Accepted:
    """`accept` of one request; what was accepted under its key already is answered again. Raises KeyReused."""
    if request.once is None:
        return accept(connection, [request], now_ms)[0]
    found: list[Accepted] = []

    def make() -> str:
        found.extend(accept(connection, [request], now_ms))
        return found[0].run_id

    run_id = once(connection, request.once, _fingerprint(request), "run_id", make, now_ms)
    if found:
        return found[0]
    query = sa.select(runs.c.status, runs.c.attempt).where(runs.c.run_id == run_id)
    row = connection.execute(query).one()
    return Accepted(run_id=run_id, status=RunStatus(row.status), attempt=row.attempt, fresh=False)


def once(
    connection: sa.Connection,
    key: Once,
    fingerprint: str,
    column: Literal["run_id", "batch_id"],
    make: Callable[[], str],
    now_ms: int,
) -> str:
    """What was made under this key: now, or when it was sent before. Raises KeyReused for another submission's key."""
    c = submissions.c
    take_turn(connection, f"submission:{key.caller}:{key.key}")  # the same sent twice at once is one
    row = connection.execute(sa.select(submissions).where(c.caller == key.caller, c.key == key.key)).mappings().first()
    if row is not None:
        if row["fingerprint"] != fingerprint or row[column] is None:
            raise KeyReused(f"Idempotency-Key {key.key!r} was given to something else: make a new key for each")
        return str(row[column])
    made = make()
    values = {"caller": key.caller, "key": key.key, "fingerprint": fingerprint, column: made, "created_at": now_ms}
    connection.execute(sa.insert(submissions).values(**values))
    return made


def forget_submissions(connection: sa.Connection, run_ids: Sequence[str]) -> None:
    """Forget the keys of runs that are deleted."""
    connection.execute(sa.delete(submissions).where(submissions.c.run_id.in_(run_ids)))


def fingerprint_of(*parts: object) -> str:
    """A hash of what was handed in."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _fingerprint(request: RunRequest) -> str:
    subject = [request.subject.kind, request.subject.id]  # not its revision: a deployment in between changes nothing
    return fingerprint_of(
        subject, request.input_hash, request.session_id, request.user_id, request.rerun, request.metadata
    )
