"""Accepting runs: the transaction after which a run_id exists. Session rules of the contract live here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from nightdrop.ids import new_id
from nightdrop.records.request import Accepted, RunRequest
from nightdrop.records.run import RunStatus
from nightdrop.store.answers import FoundAnswer, find_answer
from nightdrop.store.dead_letters import letter_row
from nightdrop.store.documents import share
from nightdrop.store.tables import dead_letters, run_files, runs

_KEPT = (RunStatus.COMPLETED, RunStatus.PAUSED, RunStatus.PENDING, RunStatus.RUNNING)

Key = tuple[str, str, str]  # kind, subject id, session id


class _Fresh(NamedTuple):
    """A run to insert. found: the answer it is given."""

    run_id: str
    request: RunRequest
    found: FoundAnswer | None

    @property
    def status(self) -> RunStatus:
        """How it begins."""
        if self.request.refused is not None:
            return RunStatus.ERROR
        return RunStatus.PENDING if self.found is None else RunStatus.COMPLETED


def accept(connection: sa.Connection, requests: Sequence[RunRequest], now_ms: int) -> list[Accepted]:
    """Give each request its run, in order: the session's current one where it serves, else a new row.

    Same session, revision and input: COMPLETED and PAUSED are returned, PENDING and RUNNING joined, ERROR returned
    (tried again with retry_failed), CANCELLED starts anew. Anything else replaces the session's current run. A new row
    is COMPLETED as it is made where the answer is there already and may be used.
    """
    share(connection)  # the run that answers must not be pruned before this commits
    current = _current_runs(connection, requests)
    answers: list[Accepted] = []
    fresh: list[_Fresh] = []
    replaced: list[str] = []
    for request in requests:
        found = current.get(_key(request)) if request.session_id is not None else None
        answer = _serve(connection, found, request, now_ms) if found is not None else None
        if answer is None:
            run_id = new_id()
            if found is not None:
                replaced.append(found["run_id"])
            new = _Fresh(run_id, request, find_answer(connection, request))
            fresh.append(new)
            answer = Accepted(run_id=run_id, status=new.status, attempt=1, fresh=True)
            if request.session_id is not None:
                current[_key(request)] = _as_current(new)
        answers.append(answer)
    _retire(connection, replaced)
    _insert(connection, fresh, set(replaced), now_ms)
    return answers


def _key(request: RunRequest) -> Key:
    return (request.subject.kind, request.subject.id, request.session_id or "")


def _current_runs(connection: sa.Connection, requests: Sequence[RunRequest]) -> dict[Key, Mapping[str, Any]]:
    sessions = {r.session_id for r in requests if r.session_id is not None}
    if not sessions:
        return {}
    c = runs.c
    rows = connection.execute(
        sa.select(
            c.run_id,
            c.kind,
            c.subject_id,
            c.session_id,
            c.revision,
            c.input_hash,
            c.status,
            c.attempt,
            c.cancel_requested,
        ).where(
            c.kind.in_({r.subject.kind for r in requests}),
            c.subject_id.in_({r.subject.id for r in requests}),
            c.session_id.in_(sessions),
            c.is_current.is_(True),
        )
    ).mappings()
    return {(row["kind"], row["subject_id"], row["session_id"]): dict(row) for row in rows}


def _serve(connection: sa.Connection, found: Mapping[str, Any], request: RunRequest, now_ms: int) -> Accepted | None:
    """The found run if it answers the request, None if a new one must replace it."""
    if found.get("cancel_requested") and RunStatus(found["status"]).is_open:
        return None  # on its way to CANCELLED: what is asked now starts anew
    same = found["revision"] == request.subject.revision and found["input_hash"] == request.input_hash
    if (request.rerun and not found.get("made_here")) or not same:
        return None
    status, attempt = RunStatus(found["status"]), int(found["attempt"])
    if status in _KEPT:
        return Accepted(run_id=found["run_id"], status=status, attempt=attempt, fresh=False)
    if status is not RunStatus.ERROR:
        return None
    if request.retry_failed and request.refused is None and request.executor_id is None:
        mine = try_again(connection, found["run_id"], attempt, now_ms)
        return Accepted(run_id=found["run_id"], status=RunStatus.PENDING, attempt=attempt + 1, fresh=mine)
    return Accepted(run_id=found["run_id"], status=status, attempt=attempt, fresh=False)


def try_again(connection: sa.Connection, run_id: str, attempt: int, now_ms: int) -> bool:
    """Queue a run that ended in ERROR or CANCELLED for its next attempt; its dead letter is marked replayed.

    What people have answered stays: nobody is asked the same twice.
    """
    moved = connection.execute(
        sa.update(runs)
        .where(runs.c.run_id == run_id, runs.c.attempt == attempt, runs.c.status.in_(["ERROR", "CANCELLED"]))
        .values(
            status="PENDING",
            attempt=attempt + 1,
            dispatches=0,
            deaths=0,
            crashes=0,
            executor_id=None,
            cancel_requested=False,
            not_before=0,
            started_at=None,
            completed_at=None,
            pause=None,
            error_code=None,
            error_message=None,
            error_retryable=None,
        )
    ).rowcount
    if moved != 1:
        return False  # another one came first: a letter that is there now is of a later attempt
    connection.execute(
        sa.update(dead_letters)
        .where(dead_letters.c.run_id == run_id, dead_letters.c.state == "open")
        .values(state="replayed", updated_at=now_ms)
    )
    return True


def _as_current(new: _Fresh) -> dict[str, Any]:
    return {
        "run_id": new.run_id,
        "revision": new.request.subject.revision,
        "input_hash": new.request.input_hash,
        "status": new.status.value,
        "attempt": 1,
        "made_here": True,
    }


def _retire(connection: sa.Connection, run_ids: Sequence[str]) -> None:
    if run_ids:
        connection.execute(sa.update(runs).where(runs.c.run_id.in_(run_ids)).values(is_current=None))


def _insert(connection: sa.Connection, fresh: Sequence[_Fresh], replaced: set[str], now_ms: int) -> None:
    if not fresh:
        return
    connection.execute(sa.insert(runs), [_run_row(new, now_ms, new.run_id not in replaced) for new in fresh])
    files = [
        {
            "run_id": run_id,
            "position": position,
            "sha256": ref.sha256,
            "filename": ref.filename,
            "mime_type": ref.mime_type,
            "source": ref.source,
        }
        for run_id, request, _ in fresh
        for position, ref in enumerate(request.files)
    ]
    if files:
        connection.execute(sa.insert(run_files), files)
    letters = [letter_row(run_id, 1, request.refused, now_ms) for run_id, request, _ in fresh if request.refused]
    if letters:
        connection.execute(sa.insert(dead_letters), letters)


def _run_row(new: _Fresh, now_ms: int, is_current: bool) -> dict[str, Any]:
    run_id, request, found = new
    refused = request.refused
    here = request.executor_id if found is None else None
    return {
        "run_id": run_id,
        "kind": request.subject.kind,
        "subject_id": request.subject.id,
        "revision": request.subject.revision,
        "session_id": request.session_id or run_id,
        "is_current": True if is_current else None,
        "input_hash": request.input_hash,
        "batch_id": request.batch_id,
        "schedule_run_id": request.schedule_run_id,
        "user_id": request.user_id,
        "status": new.status.value,
        "message": request.message,
        "metadata": json.dumps(request.metadata) if request.metadata else None,
        "priority": request.priority,
        "rank": 0 if request.ranks is None else next(request.ranks),
        "executor_id": here,
        "dispatches": 0 if here is None else 1,
        "content": found.content if found else None,
        "fields": found.fields if found else None,
        "checks": found.checks if found else None,
        "cached_from": found.run_id if found else None,
        "error_code": refused.code if refused else None,
        "error_message": refused.message if refused else None,
        "error_retryable": refused.retryable if refused else None,
        "created_at": now_ms,
        "completed_at": now_ms if refused or found else None,
    }
