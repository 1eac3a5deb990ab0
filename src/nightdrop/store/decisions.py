"""Deciding a review: one transaction that keeps the decision and, with the last one of a run, ends or continues it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa

from nightdrop.errors import CorrectionInvalid, ReviewDecided, ReviewNotFound, ReviewOutdated, ReviewRejected
from nightdrop.faults import reach
from nightdrop.records.field import FieldResult
from nightdrop.records.paths import with_value
from nightdrop.records.pause import Decision, Pause, decisions_of
from nightdrop.records.review import ReviewKind, ReviewState
from nightdrop.records.run import RunStatus
from nightdrop.records.run_error import RunError
from nightdrop.store.dead_letters import letter_row
from nightdrop.store.pauses import decisions_text, queue_paused
from nightdrop.store.review_rows import fields_text
from nightdrop.store.tables import dead_letters, reviews, runs

Verdict = Literal["accepted", "corrected", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a person decided of one review. correction: the right value, of a corrected one."""

    review_id: str
    verdict: Verdict
    reviewer: str
    correction: Any = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What an attempt goes on from after corrections: the answer as it was, and path to the right value."""

    content: Any
    fields: Mapping[str, FieldResult]
    corrections: Mapping[str, Any]
    accepted: frozenset[str]


def decide_review(connection: sa.Connection, decided: Decided, now_ms: int) -> None:
    """Keep a decision; of two at once one wins. The last one of a doubtful run ends it: COMPLETED when all was
    accepted, ERROR with a dead letter when rejected; with corrections it is queued, for whoever has its agent.

    Raises ReviewNotFound, ReviewDecided, ReviewOutdated when the run does not wait for it any more, and
    CorrectionInvalid for a value that has no place.
    """
    r = reviews.c
    named = connection.execute(sa.select(r.run_id).where(r.id == decided.review_id)).scalar()
    if named is None:
        raise ReviewNotFound(f"there is no review {decided.review_id!r}")
    run = connection.execute(sa.select(runs).where(runs.c.run_id == named).with_for_update()).mappings().one()
    review = connection.execute(sa.select(reviews).where(r.id == decided.review_id)).mappings().one()
    if review["state"] != ReviewState.OPEN.value:
        by = f" by {review['reviewer']}" if review["reviewer"] else ""
        raise ReviewDecided(f"review {decided.review_id} is {review['state']} already{by}")
    is_doubt = review["kind"] == ReviewKind.DOUBT.value
    if is_doubt and (run["status"] != RunStatus.PAUSED.value or run["attempt"] != review["attempt"]):
        raise ReviewOutdated(f"run {named} does not wait for this review any more: it is {run['status']}")
    if is_doubt and decided.verdict == "corrected":
        _check_path(run, review["path"], decided.correction)
    _keep(connection, decided, now_ms)
    if is_doubt and decided.verdict == "rejected":
        _reject(connection, run, review["path"], decided, now_ms)
    elif is_doubt and _open_ones(connection, run) == 0:
        _go_on(connection, run, now_ms)
    reach("review.commit")


def _check_path(run: sa.RowMapping, path: str, value: Any) -> None:
    try:
        with_value(json.loads(run["content"]), path, value)
    except KeyError as error:
        raise CorrectionInvalid(
            f"there is no place for {path} in the answer: reject it, or correct what it is in"
        ) from error


def _keep(connection: sa.Connection, decided: Decided, now_ms: int) -> None:
    r = reviews.c
    correction = json.dumps(decided.correction, ensure_ascii=False) if decided.verdict == "corrected" else None
    connection.execute(
        sa.update(reviews)
        .where(r.id == decided.review_id)
        .values(
            state=decided.verdict,
            correction=correction,
            reviewer=decided.reviewer,
            note=decided.note,
            decided_at=now_ms,
        )
    )


def _of_run(run: sa.RowMapping) -> tuple[sa.ColumnElement[bool], ...]:
    r = reviews.c
    return (r.run_id == run["run_id"], r.attempt == run["attempt"], r.kind == ReviewKind.DOUBT.value)


def _open_ones(connection: sa.Connection, run: sa.RowMapping) -> int:
    query = sa.select(sa.func.count()).where(*_of_run(run), reviews.c.state == ReviewState.OPEN.value)
    return connection.scalar(query) or 0


def _reject(connection: sa.Connection, run: sa.RowMapping, path: str, decided: Decided, now_ms: int) -> None:
    """The run ends here: its dead letter has the answer, its other reviews are withdrawn."""
    said = f": {decided.note}" if decided.note else ""
    error = RunError(code=ReviewRejected.code, message=f"{decided.reviewer} rejected {path or 'the answer'}{said}")
    letter = letter_row(run["run_id"], run["attempt"], error, now_ms, run["content"])
    connection.execute(
        sa.update(reviews)
        .where(*_of_run(run), reviews.c.state == ReviewState.OPEN.value)
        .values(state=ReviewState.WITHDRAWN.value, decided_at=now_ms)
    )
    _move(
        connection,
        run,
        status=RunStatus.ERROR.value,
        error_code=error.code,
        error_message=error.message,
        error_retryable=False,
        content=None,
        fields=None,
        checks=None,
        completed_at=now_ms,
    )
    connection.execute(sa.insert(dead_letters).values(letter))


def _go_on(connection: sa.Connection, run: sa.RowMapping, now_ms: int) -> None:
    found = reviewed_of(connection, run["run_id"], run["attempt"])
    assert found is not None
    decisions = [*decisions_of(run["decisions"]), _decision(run, found, now_ms)]
    if found.corrections:
        queue_paused(connection, run["run_id"], decisions)
        return
    kept = decisions_text(decisions)
    fields = fields_text(reviewed_fields(found.fields, found))
    _move(connection, run, status=RunStatus.COMPLETED.value, fields=fields, completed_at=now_ms, decisions=kept)


def _move(connection: sa.Connection, run: sa.RowMapping, **values: Any) -> None:
    where = (runs.c.run_id == run["run_id"], runs.c.status == RunStatus.PAUSED.value)
    connection.execute(sa.update(runs).where(*where).values(pause=None, **values))


def _decision(run: sa.RowMapping, found: Reviewed, now_ms: int) -> Decision:
    """What stays with the run for ever, whatever becomes of its reviews."""
    answer = {"corrections": dict(found.corrections), "accepted": sorted(found.accepted)}
    return Decision(pause=Pause.from_json(json.loads(run["pause"])), answer=answer, decided_at=now_ms)


def reviewed_of(connection: sa.Connection, run_id: str, attempt: int) -> Reviewed | None:
    """The decisions of this attempt, None when there are none."""
    r = reviews.c
    of_run = (r.run_id == run_id, r.attempt == attempt, r.kind == ReviewKind.DOUBT.value)
    query = sa.select(r.path, r.state, r.correction).where(*of_run, r.state.in_(("accepted", "corrected")))
    decided = connection.execute(query.order_by(r.path)).all()
    if not decided:
        return None
    row = connection.execute(sa.select(runs.c.content, runs.c.fields).where(runs.c.run_id == run_id)).one()
    return Reviewed(
        content=json.loads(row.content),
        fields={path: FieldResult.from_json(data) for path, data in json.loads(row.fields or "{}").items()},
        corrections={d.path: json.loads(d.correction) for d in decided if d.state == "corrected"},
        accepted=frozenset(d.path for d in decided if d.state == "accepted"),
    )


def reviewed_fields(fields: Mapping[str, FieldResult], found: Reviewed) -> dict[str, FieldResult]:
    """The fields with what a person decided: nobody is surer."""
    marked = {path: "accepted" for path in found.accepted} | {path: "corrected" for path in found.corrections}
    return {
        path: replace(field, confidence=1.0, reviewed=marked[path]) if path in marked else field
        for path, field in fields.items()
    }


def reopen(connection: sa.Connection, run_id: str, attempt: int, paths: Sequence[str], why: str, now_ms: int) -> bool:
    """Ask again about corrections that do not fit: the run is PAUSED as before. False: another ended the attempt."""
    c, r = runs.c, reviews.c
    mine = (r.run_id == run_id, r.attempt == attempt, r.kind == ReviewKind.DOUBT.value, r.path.in_(paths))
    asked = connection.execute(sa.select(r.id, r.reasons).where(*mine)).all()
    data = {"reviews": [row.id for row in asked]}
    pause = Pause(question=f"The correction does not fit: {why}", data=data)
    moved = connection.execute(
        sa.update(runs)
        .where(c.run_id == run_id, c.attempt == attempt, c.status.in_(("PENDING", "RUNNING")))
        .values(
            status=sa.case((c.cancel_requested.is_(True), RunStatus.CANCELLED.value), else_=RunStatus.PAUSED.value),
            pause=json.dumps(pause.to_json(), ensure_ascii=False),
            completed_at=now_ms,
        )
    )
    if moved.rowcount != 1:
        return False
    for row in asked:
        reasons = json.dumps([*json.loads(row.reasons), f"the correction does not fit: {why}"], ensure_ascii=False)
        connection.execute(
            sa.update(reviews)
            .where(r.id == row.id)
            .values(state=ReviewState.OPEN.value, reasons=reasons, reviewer=None, decided_at=None)
        )
    return True
