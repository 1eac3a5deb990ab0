"""Reading runs back: rows to RunOutput, with content as JSON data (an agent makes it its schema's class)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.errors import StorageFailed
from nightdrop.records.budget import BUDGET, BatchOfRun
from nightdrop.records.check import checks_of
from nightdrop.records.document import Document
from nightdrop.records.field import FieldResult
from nightdrop.records.metrics import RunMetrics
from nightdrop.records.model_call import PastCall
from nightdrop.records.pause import Decision, Pause, decisions_of
from nightdrop.records.run import FileRef, RunInput, RunOutput, RunStatus
from nightdrop.records.run_error import RunError
from nightdrop.store.decisions import Reviewed, reviewed_of
from nightdrop.store.model_calls import metrics_of, metrics_of_run, past_calls
from nightdrop.store.progress import with_open_steps
from nightdrop.store.steps import steps_of, steps_with_costs
from nightdrop.store.tables import batch_items, batches, documents, executors, run_files, runs

_WITH_ANSWER = ("COMPLETED", "PAUSED")  # in review, what is asked about
_RUN = sa.select(runs).where(runs.c.run_id == sa.bindparam("of_run"))
_FILES = (
    sa.select(
        run_files.c.sha256,
        run_files.c.filename,
        run_files.c.mime_type,
        run_files.c.source,
        documents.c.size,
        documents.c.mime_type.label("stored_as"),
        documents.c.location,
        documents.c.created_at,
    )
    .outerjoin(documents, documents.c.sha256 == run_files.c.sha256)
    .where(run_files.c.run_id == sa.bindparam("of_run"))
    .order_by(run_files.c.position)
)


_BATCH = (  # the newest that made the run or had it tried again
    sa.select(batches.c.batch_id, batches.c.created_at, batches.c.budget_pico, batches.c.on_budget)
    .join(batch_items, batch_items.c.batch_id == batches.c.batch_id)
    .where(batch_items.c.run_id == sa.bindparam("of_run"), batch_items.c.disposition == "new")
    .order_by(batches.c.batch_id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What executing an attempt needs: the run, where each document's bytes lie, and what it has asked already.

    reviewed: its answer and what people decided of it, when it goes on from there.
    """

    run: RunOutput
    revision: str
    attempt: int
    documents: tuple[tuple[FileRef, Document], ...]
    past: Sequence[PastCall]
    decisions: Sequence[Decision] = ()
    priority: int = 0
    batch: BatchOfRun | None = None
    reviewed: Reviewed | None = None


def load_run(connection: sa.Connection, run_id: str) -> RunOutput | None:
    """One run, None when there is no such run_id."""
    row = connection.execute(_RUN, {"of_run": run_id}).mappings().first()
    if row is None:
        return None
    refs = tuple(
        FileRef(sha256=file.sha256, filename=file.filename, mime_type=file.mime_type, source=file.source)
        for file in connection.execute(_FILES, {"of_run": run_id})
    )
    run = _output(row, refs, metrics_of_run(connection, run_id))
    return with_open_steps(connection, _with_steps(connection, [run])[0], row["revision"])


def load_runs(connection: sa.Connection, run_ids: Sequence[str]) -> list[RunOutput]:
    """These runs in the order given; unknown ids are left out."""
    rows = {
        row["run_id"]: row for row in connection.execute(sa.select(runs).where(runs.c.run_id.in_(run_ids))).mappings()
    }
    return _with_steps(connection, _outputs(connection, [rows[i] for i in run_ids if i in rows]))


def list_runs(
    connection: sa.Connection,
    *,
    kind: Literal["agent", "workflow"] | None = None,
    subject_id: str | None = None,
    status: RunStatus | None = None,
    session_id: str | None = None,
    batch_id: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[RunOutput]:
    """Runs, newest first; `before` is the run_id the page starts after."""
    c = runs.c
    query = sa.select(runs).order_by(c.run_id.desc()).limit(limit)
    given: list[tuple[Any, Any]] = [
        (c.kind, kind),
        (c.subject_id, subject_id),
        (c.status, status),
        (c.session_id, session_id),
    ]
    for column, value in given:
        if value is not None:
            query = query.where(column == value)
    if batch_id is not None:
        query = query.where(c.run_id.in_(sa.select(batch_items.c.run_id).where(batch_items.c.batch_id == batch_id)))
    if before is not None:
        query = query.where(c.run_id < before)
    return _outputs(connection, list(connection.execute(query).mappings()))


def statuses(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, RunStatus]:
    """The status of each of these runs."""
    rows = connection.execute(sa.select(runs.c.run_id, runs.c.status).where(runs.c.run_id.in_(run_ids)))
    return {row.run_id: RunStatus(row.status) for row in rows}


def revision_of(connection: sa.Connection, run_id: str) -> str:
    """The revision that a run is at."""
    return str(connection.scalar(sa.select(runs.c.revision).where(runs.c.run_id == run_id)))


def load_work(connection: sa.Connection, run_id: str) -> Work | None:
    """A run with the locations of its documents, to execute its current attempt."""
    row = connection.execute(_RUN, {"of_run": run_id}).mappings().first()
    if row is None:
        return None
    refs: list[FileRef] = []
    pairs: list[tuple[FileRef, Document]] = []
    for file in connection.execute(_FILES, {"of_run": run_id}):
        ref = FileRef(sha256=file.sha256, filename=file.filename, mime_type=file.mime_type, source=file.source)
        refs.append(ref)
        if file.location is not None:
            document = Document(
                sha256=file.sha256,
                size=file.size,
                mime_type=file.stored_as,
                location=file.location,
                created_at=file.created_at,
            )
            pairs.append((ref, document))
        elif file.sha256 is not None:
            raise StorageFailed(f"document {file.sha256} of run {run_id} is not in the store: it cannot be read")
    run = _output(row, tuple(refs))
    if run.workflow_id is not None:
        run = replace(run, steps=steps_of(connection, [run_id]).get(run_id, ()))
    past = past_calls(connection, run_id, row["attempt"])
    batch = connection.execute(_BATCH, {"of_run": run_id}).mappings().first()
    return Work(
        run=run,
        revision=row["revision"],
        attempt=row["attempt"],
        documents=tuple(pairs),
        past=past,
        decisions=decisions_of(row["decisions"]),
        priority=row["priority"],
        batch=None if batch is None else BatchOfRun(**batch),
        reviewed=None if row["decisions"] is None else reviewed_of(connection, run_id, row["attempt"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Queued runs of one agent or workflow at one revision."""

    subject_id: str
    revision: str
    count: int


def stranded_subjects(connection: sa.Connection, registries: Sequence[str]) -> list[Waiting]:
    """Queued work that none of the processes with these registries can execute."""
    loaded = {(s["id"], s["revision"]) for registry in registries for s in json.loads(registry)}
    return [w for w in waiting_subjects(connection) if (w.subject_id, w.revision) not in loaded]


def worker_hint(subject_id: str) -> str:
    """What to do about work that no process can execute."""
    return f"start `nightdrop worker APP`, where APP names an app with {subject_id} at that revision"


def waiting_subjects(connection: sa.Connection) -> list[Waiting]:
    """What is queued and in nobody's hands."""
    c = runs.c
    query = (
        sa.select(c.subject_id, c.revision, sa.func.count())
        .where(c.status == sa.literal_column("'PENDING'"), c.executor_id.is_(None))
        .group_by(c.subject_id, c.revision)
    )
    return [Waiting(subject_id=row[0], revision=row[1], count=row[2]) for row in connection.execute(query)]


def waits_for(connection: sa.Connection, run_id: str) -> str | None:
    """Why a queued run does not run, and the command that would start it; None when it does not wait."""
    c = runs.c
    row = connection.execute(
        sa.select(c.kind, c.subject_id, c.revision, c.executor_id, c.waits_for, c.not_before).where(
            c.run_id == run_id, c.status == "PENDING"
        )
    ).first()
    if row is None or row.executor_id is not None:
        return None
    if row.waits_for is not None and row.waits_for.startswith(BUDGET):
        return f"{row.waits_for}, which is used up for now: looked at again every minute"
    if row.waits_for is not None:
        return f"the provider {row.waits_for}, which is paused: see `nightdrop providers`"
    if row.not_before > clock.now_ms():
        return f"what its provider asked to wait, until {clock.iso(clock.to_datetime(row.not_before))}"
    registries = connection.scalars(sa.select(executors.c.registry)).all()
    if any(row.revision in registry for registry in registries):
        return "its turn"
    moved = ", or move it to another revision: `nightdrop workflow move APP`" if row.kind == "workflow" else ""
    return (
        f"a process that has {row.subject_id} at revision {row.revision} loaded: "
        f"{worker_hint(row.subject_id)}, or give the same `nightdrop run` again{moved}"
    )


def _outputs(connection: sa.Connection, rows: Sequence[sa.RowMapping]) -> list[RunOutput]:
    if not rows:
        return []
    files: dict[str, list[FileRef]] = {}
    query = sa.select(run_files).where(run_files.c.run_id.in_([r["run_id"] for r in rows]))
    for row in connection.execute(query.order_by(run_files.c.run_id, run_files.c.position)).mappings():
        ref = FileRef(sha256=row["sha256"], filename=row["filename"], mime_type=row["mime_type"], source=row["source"])
        files.setdefault(row["run_id"], []).append(ref)
    spent = metrics_of(connection, [r["run_id"] for r in rows])
    return [_output(row, tuple(files.get(row["run_id"], ())), spent.get(row["run_id"])) for row in rows]


def _with_steps(connection: sa.Connection, found: list[RunOutput]) -> list[RunOutput]:
    """These runs with what is recorded of the workflows among them."""
    ids = [run.run_id for run in found if run.workflow_id is not None]
    if not ids:
        return found
    steps = steps_with_costs(connection, ids)
    return [replace(run, steps=steps.get(run.run_id, ())) for run in found]


def _output(row: sa.RowMapping, files: tuple[FileRef, ...], spent: RunMetrics | None = None) -> RunOutput:
    is_agent = row["kind"] == "agent"
    is_shown = row["status"] in _WITH_ANSWER
    return RunOutput(
        run_id=row["run_id"],
        session_id=row["session_id"],
        agent_id=row["subject_id"] if is_agent else None,
        workflow_id=None if is_agent else row["subject_id"],
        batch_id=row["batch_id"],
        schedule_run_id=row["schedule_run_id"],
        user_id=row["user_id"],
        status=RunStatus(row["status"]),
        input=RunInput(message=row["message"], files=files),
        content=json.loads(row["content"]) if is_shown and row["content"] is not None else None,
        fields={p: FieldResult.from_json(f) for p, f in json.loads((is_shown and row["fields"]) or "{}").items()},
        metrics=_timed(spent or RunMetrics(), row),
        error=_error(row),
        pause=_pause(row),
        attempts=row["attempt"],
        metadata=json.loads(row["metadata"] or "{}"),
        created_at=clock.to_datetime(row["created_at"]),
        started_at=clock.to_datetime(row["started_at"]),
        completed_at=clock.to_datetime(row["completed_at"]),
        cached_from=row["cached_from"],
        checks=checks_of(row["checks"] if is_shown else None),
    )


def _error(row: sa.RowMapping) -> RunError | None:
    if row["error_code"] is None:
        return None
    return RunError(code=row["error_code"], message=row["error_message"], retryable=bool(row["error_retryable"]))


def _pause(row: sa.RowMapping) -> Pause | None:
    asks = row["status"] == RunStatus.PAUSED.value and row["pause"] is not None
    return Pause.from_json(json.loads(row["pause"])) if asks else None


def _timed(metrics: RunMetrics, row: sa.RowMapping) -> RunMetrics:
    started, ended = row["started_at"], row["completed_at"]
    return replace(metrics, duration=None if started is None or ended is None else (ended - started) / 1000)
