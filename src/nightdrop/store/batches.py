"""Batches in the rows: opening, items, and progress counted from the items' runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.ids import new_id
from nightdrop.records.batch import BatchProgress, BatchStatus
from nightdrop.records.budget import name_of_batch_budget
from nightdrop.records.request import Subject
from nightdrop.store.documents import alone
from nightdrop.store.model_calls import batch_cost
from nightdrop.store.tables import batch_items, batches, runs
from nightdrop.store.turns import take_turn

_OPEN = ("PENDING", "RUNNING")
_FAILED = ("ERROR", "CANCELLED")


def open_batch(
    connection: sa.Connection,
    subject: Subject,
    *,
    message: str,
    source: str | None,
    fingerprint: str | None,
    user_id: str | None,
    now_ms: int,
) -> str:
    """The id of a batch over this source: the unfinished one with the same fingerprint, else a new one."""
    if fingerprint is not None:
        take_turn(connection, fingerprint)  # the same call by two processes at once is one batch
        query = sa.select(batches.c.batch_id).where(
            batches.c.fingerprint == fingerprint, batches.c.cancelled_at.is_(None)
        )
        for batch_id in connection.scalars(query.order_by(batches.c.batch_id.desc()).limit(1)):
            progress = load_batch(connection, batch_id)
            if progress is not None and progress.completed_at is None:
                return str(batch_id)
    return new_batch(
        connection,
        subject,
        message=message,
        source=source,
        fingerprint=fingerprint,
        user_id=user_id,
        now_ms=now_ms,
    )


def new_batch(
    connection: sa.Connection,
    subject: Subject,
    *,
    message: str,
    source: str | None,
    fingerprint: str | None,
    user_id: str | None,
    now_ms: int,
) -> str:
    """The id of a batch that is made here, whatever others there are."""
    batch_id = new_id(now_ms)
    connection.execute(
        sa.insert(batches).values(
            batch_id=batch_id,
            kind=subject.kind,
            subject_id=subject.id,
            revision=subject.revision,
            fingerprint=fingerprint,
            source=source,
            message=message,
            user_id=user_id,
            created_at=now_ms,
        )
    )
    return batch_id


def set_budget(connection: sa.Connection, batch_id: str, pico: int | None, on_budget: str | None) -> None:
    """What the batch may cost, in pico-dollars, and what becomes of documents that do not fit; None leaves it.

    What waited for its budget is looked at again at once.
    """
    given = {name: value for name, value in (("budget_pico", pico), ("on_budget", on_budget)) if value is not None}
    if not given:
        return
    connection.execute(sa.update(batches).where(batches.c.batch_id == batch_id).values(**given))
    waits = runs.c.waits_for
    connection.execute(
        sa.update(runs)
        .where(
            runs.c.status == sa.literal_column("'PENDING'"),
            waits.is_not(None),
            waits.like(name_of_batch_budget("%", batch_id)),
        )
        .values(not_before=0, waits_for=None)
    )


def close_acceptance(connection: sa.Connection, batch_id: str, now_ms: int) -> None:
    """Say that the source was listed to its end."""
    connection.execute(sa.update(batches).where(batches.c.batch_id == batch_id).values(accepted_at=now_ms))


def batch_subject(connection: sa.Connection, batch_id: str) -> Subject | None:
    """What executes a batch's documents, None when there is no such batch."""
    c = batches.c
    row = connection.execute(sa.select(c.kind, c.subject_id, c.revision).where(c.batch_id == batch_id)).first()
    return None if row is None else Subject(kind=row.kind, id=row.subject_id, revision=row.revision)


def is_cancelled(connection: sa.Connection, batch_id: str) -> bool:
    """Whether somebody has cancelled this batch."""
    query = sa.select(batches.c.cancelled_at).where(batches.c.batch_id == batch_id)
    return connection.execute(query).scalar() is not None


def known_items(connection: sa.Connection, batch_id: str, files: Sequence[str]) -> dict[str, str]:
    """Of these files, the ones the batch holds already, with the version it saw."""
    query = sa.select(batch_items.c.file, batch_items.c.version).where(
        batch_items.c.batch_id == batch_id, batch_items.c.file.in_(files)
    )
    return {row.file: row.version for row in connection.execute(query)}


def answered_before(
    connection: sa.Connection, *, batch_id: str, fingerprint: str, subject: Subject, versions: Mapping[str, str]
) -> dict[str, str]:
    """Of these files, those that the last batch of the same call before this one holds in this version, with their
    run; in the order of that batch. Left out: runs that failed, were cancelled or are asked to stop, and those that
    are no longer the current run of their document."""
    b, i = batches.c, batch_items.c
    before = (
        sa.select(b.batch_id)
        .where(b.fingerprint == fingerprint, b.batch_id < batch_id, b.cancelled_at.is_(None))
        .order_by(b.batch_id.desc())
        .limit(1)
    )
    last = connection.execute(before).scalar()
    if last is None:
        return {}
    query = (
        sa.select(i.file, i.version, i.run_id)
        .join(runs, runs.c.run_id == i.run_id)
        .where(
            i.batch_id == last,
            i.file.in_(versions),
            runs.c.kind == subject.kind,
            runs.c.subject_id == subject.id,
            runs.c.revision == subject.revision,
            runs.c.is_current.is_(True),
            runs.c.cancel_requested.is_(False),
            runs.c.status.in_(["COMPLETED", "PAUSED", "PENDING", "RUNNING"]),
        )
        .order_by(i.position)
    )
    return {row.file: row.run_id for row in connection.execute(query) if versions[row.file] == row.version}


def add_items(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Add documents to a batch; a file that changed since it was added takes its new run.

    Returns the runs of such files' earlier content that nothing waits for any more, for the caller to cancel.
    """
    if not rows:
        return []
    c = batch_items.c
    here = sa.and_(c.batch_id == rows[0]["batch_id"], c.file.in_([row["file"] for row in rows]))
    gone = set(connection.scalars(sa.select(c.run_id).where(here, c.disposition == "new")))
    connection.execute(sa.delete(batch_items).where(here))
    connection.execute(sa.insert(batch_items), list(rows))
    if not gone:
        return []
    alone(connection)  # nobody joins one of them between this look and the cancelling
    return sorted(gone - set(connection.scalars(sa.select(c.run_id).where(c.run_id.in_(gone)))))


def runs_in_batch(connection: sa.Connection, batch_id: str, run_ids: Sequence[str]) -> set[str]:
    """Which of these runs serve an item of the batch already."""
    query = sa.select(batch_items.c.run_id).where(batch_items.c.batch_id == batch_id, batch_items.c.run_id.in_(run_ids))
    return set(connection.scalars(query))


def sessions_in_batch(
    connection: sa.Connection, batch_id: str, subject: Subject, session_ids: Sequence[str]
) -> set[str]:
    """Which of these sessions an item of the batch is answered by already."""
    query = sa.select(runs.c.session_id).where(
        runs.c.kind == subject.kind,
        runs.c.subject_id == subject.id,
        runs.c.session_id.in_(session_ids),
        sa.exists().where(batch_items.c.batch_id == batch_id, batch_items.c.run_id == runs.c.run_id),
    )
    return set(connection.scalars(query))


def load_batch(connection: sa.Connection, batch_id: str) -> BatchProgress | None:
    """A batch and how far it is, None when there is no such batch."""
    row = connection.execute(sa.select(batches).where(batches.c.batch_id == batch_id)).mappings().first()
    return None if row is None else _progress(connection, row)


def list_batches(connection: sa.Connection, *, before: str | None = None, limit: int = 50) -> list[BatchProgress]:
    """Batches, newest first; `before` is the id the page starts after."""
    query = sa.select(batches).order_by(batches.c.batch_id.desc()).limit(limit)
    if before is not None:
        query = query.where(batches.c.batch_id < before)
    return [_progress(connection, row) for row in connection.execute(query).mappings().all()]


def last_position(connection: sa.Connection, batch_id: str) -> int:
    """The position of the newest item, 0 when there is none: later items always stand behind it.

    Begin with `take_turn` on the batch where more than one process may add to it.
    """
    c = batch_items.c
    query = sa.select(sa.func.coalesce(sa.func.max(c.position), 0)).where(c.batch_id == batch_id)
    return int(connection.execute(query).scalar_one())


def items_after(
    connection: sa.Connection, batch_id: str, position: int, limit: int = 500
) -> list[tuple[int, str, str]]:
    """(position, run_id, file) of distinct documents behind a position, in the order of the source."""
    i, earlier = batch_items.c, batch_items.alias("earlier")
    query = (
        sa.select(i.position, i.run_id, i.file)
        .where(
            i.batch_id == batch_id,
            i.position > position,
            ~sa.exists().where(
                earlier.c.batch_id == batch_id, earlier.c.run_id == i.run_id, earlier.c.position < i.position
            ),
        )
        .order_by(i.position)
        .limit(limit)
    )
    return [(row.position, row.run_id, row.file) for row in connection.execute(query)]


def _progress(connection: sa.Connection, batch: sa.RowMapping) -> BatchProgress:
    i = batch_items.c
    query = (
        sa.select(i.disposition, runs.c.status, sa.func.count(), sa.func.max(runs.c.completed_at))
        .join(runs, runs.c.run_id == i.run_id)
        .where(i.batch_id == batch["batch_id"])
        .group_by(i.disposition, runs.c.status)
    )
    total = done = failed = skipped = documents = 0
    last = batch["accepted_at"]
    for disposition, status, count, ended_at in connection.execute(query):
        total += count
        is_failed = status in _FAILED and disposition != "duplicate"
        done += count if status not in _OPEN else 0
        failed += count if is_failed else 0
        skipped += count if disposition != "new" and not is_failed and status not in _OPEN else 0
        documents += count if disposition != "duplicate" else 0
        last = max(last or 0, ended_at or 0) or None
    status = _status(batch, total == done)
    ended = status in (BatchStatus.COMPLETED, BatchStatus.CANCELLED) and total == done
    return BatchProgress(
        id=batch["batch_id"],
        status=status,
        agent_id=batch["subject_id"] if batch["kind"] == "agent" else None,
        workflow_id=None if batch["kind"] == "agent" else batch["subject_id"],
        source=batch["source"],
        total=total,
        done=done,
        failed=failed,
        skipped=skipped,
        documents=documents,
        cost=batch_cost(connection, batch["batch_id"]),
        priority=batch["priority"],
        weight=batch["weight"],
        created_at=clock.to_datetime(batch["created_at"]),
        completed_at=clock.to_datetime(last) if ended else None,
    )


def _status(batch: sa.RowMapping, all_done: bool) -> BatchStatus:
    if batch["cancelled_at"] is not None:
        return BatchStatus.CANCELLED
    if batch["accepted_at"] is None:
        return BatchStatus.ACCEPTING
    return BatchStatus.COMPLETED if all_done else BatchStatus.RUNNING
