"""Steps in the rows: added once, whoever did them first; read in order."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nightdrop import clock
from nightdrop.faults import reach
from nightdrop.records.field import FieldResult
from nightdrop.records.request import Subject
from nightdrop.records.run_error import RunError
from nightdrop.records.step import StepResult, StepStatus
from nightdrop.store.insert import insert_ignore
from nightdrop.store.model_calls import metrics_of_steps
from nightdrop.store.tables import runs, steps

_s = steps.c
_ADD = {dialect: insert_ignore(dialect, steps).returning(_s.path) for dialect in ("sqlite", "postgresql")}
_ONE = sa.select(steps).where(
    _s.run_id == sa.bindparam("of_run"),
    _s.attempt == sa.bindparam("of_attempt"),
    _s.path == sa.bindparam("of_path"),
    _s.number == sa.bindparam("of_number"),
)
_OF_RUNS = (
    sa.select(steps)
    .join(runs, runs.c.run_id == _s.run_id)
    .where(_s.is_current.is_(True), sa.or_(_s.attempt == runs.c.attempt, _s.status != StepStatus.ERROR.value))
    .order_by(_s.run_id, _s.position, _s.attempt, _s.path, _s.number)
)

_HEAVY = ("content", "fields", "state")
_LIGHT = _OF_RUNS.with_only_columns(*[sa.null().label(c.name) if c.name in _HEAVY else c for c in _s])


def add_step(connection: sa.Connection, run_id: str, result: StepResult) -> StepResult:
    """Record a step's try or a decision; returns what is recorded, another process's if that came first."""
    values = {
        "run_id": run_id,
        "attempt": result.attempt,
        "path": result.path,
        "number": result.number,
        "position": result.position,
        "kind": result.kind,
        "status": result.status.value,
        "is_current": True,
        "content": _text(result.content),
        "fields": _text({path: f.to_json() for path, f in result.fields.items()} or None),
        "state": _text(result.state),
        "detail": _text(result.detail),
        "stop": result.stop,
        "error_code": None if result.error is None else result.error.code,
        "error_message": None if result.error is None else result.error.message,
        "error_retryable": None if result.error is None else result.error.retryable,
        "started_at": _ms(result.started_at),
        "completed_at": _ms(result.completed_at),
    }
    if connection.execute(_ADD[connection.dialect.name], values).first() is not None:
        reach("step.commit")
        return result
    key = {"of_run": run_id, "of_attempt": result.attempt, "of_path": result.path, "of_number": result.number}
    return _result(connection.execute(_ONE, key).mappings().one())


def steps_of(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, tuple[StepResult, ...]]:
    """What is recorded of these runs and holds, in the order of recording: every try of the attempt they are at,
    and what did not fail of earlier ones."""
    found: dict[str, list[StepResult]] = defaultdict(list)
    for row in connection.execute(_OF_RUNS.where(_s.run_id.in_(run_ids))).mappings():
        found[row["run_id"]].append(_result(row))
    return {run_id: tuple(results) for run_id, results in found.items()}


def steps_told(connection: sa.Connection, run_id: str) -> tuple[StepResult, ...]:
    """`steps_of` one run without contents, fields and states: for whoever looks again and again."""
    return tuple(_result(row) for row in connection.execute(_LIGHT.where(_s.run_id == run_id)).mappings())


def steps_with_costs(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, tuple[StepResult, ...]]:
    """`steps_of`, each with the sums of its model calls."""
    spent = metrics_of_steps(connection, run_ids)
    return {
        run_id: tuple(replace(s, metrics=spent.get((run_id, s.attempt, s.path, s.number), s.metrics)) for s in results)
        for run_id, results in steps_of(connection, run_ids).items()
    }


def recorded_paths(connection: sa.Connection, run_id: str) -> list[tuple[int, str]]:
    """(position, path) of what holds of a run, in order."""
    query = sa.select(_s.position, _s.path).where(_s.run_id == run_id, _s.is_current.is_(True))
    return [(row.position, row.path) for row in connection.execute(query.order_by(_s.position))]


def set_aside(connection: sa.Connection, run_id: str, position: int) -> None:
    """What was recorded at this position and behind it holds no more: it is done again. The rows stay as history."""
    of_run = (_s.run_id == run_id, _s.position >= position)
    connection.execute(sa.update(steps).where(*of_run).values(is_current=None))


def copy_steps(connection: sa.Connection, from_run: str, to_run: str, position: int) -> None:
    """Give a new run what holds of another one and was recorded before this position."""
    kept = _s.is_current.is_(True), _s.status != StepStatus.ERROR.value, _s.position < position
    given = {"run_id": sa.literal(to_run), "attempt": sa.literal(1)}
    columns: list[Any] = [given.get(column.name, column) for column in steps.columns]
    query = sa.select(*columns).where(_s.run_id == from_run, *kept)
    connection.execute(sa.insert(steps).from_select(steps.columns.keys(), query))


def move_runs(connection: sa.Connection, subject: Subject, revision: str | None) -> int:
    """Give runs of a workflow that wait or are paused at another revision (at this one only, if given) this revision.

    What is recorded of them is kept, by path. Returns how many.
    """
    c = runs.c
    waits = sa.or_(sa.and_(c.status == "PENDING", c.executor_id.is_(None)), c.status == "PAUSED")
    others = c.revision != subject.revision if revision is None else c.revision == revision
    mine = sa.and_(c.kind == subject.kind, c.subject_id == subject.id, waits, others)
    return connection.execute(sa.update(runs).where(mine).values(revision=subject.revision)).rowcount


def _result(row: sa.RowMapping) -> StepResult:
    error = None
    if row["error_code"] is not None:
        error = RunError(code=row["error_code"], message=row["error_message"], retryable=bool(row["error_retryable"]))
    return StepResult(
        path=row["path"],
        kind=row["kind"],
        status=StepStatus(row["status"]),
        number=row["number"],
        attempt=row["attempt"],
        position=row["position"],
        content=_data(row["content"]),
        fields={path: FieldResult.from_json(f) for path, f in (_data(row["fields"]) or {}).items()},
        state=_data(row["state"]),
        detail=_data(row["detail"]),
        stop=bool(row["stop"]),
        error=error,
        started_at=clock.to_datetime(row["started_at"]),
        completed_at=clock.to_datetime(row["completed_at"]),
    )


def _text(data: Any) -> str | None:
    return None if data is None else json.dumps(data, ensure_ascii=False)


def _data(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _ms(moment: datetime | None) -> int:
    assert moment is not None
    return clock.to_ms(moment)
