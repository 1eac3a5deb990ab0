"""`pause(question)`: a tool or a step asks a person. The run ends PAUSED, and is continued with the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from nightdrop.errors import DatabaseRequired, UsageError
from nightdrop.records.pause import Decision, Pause

_decisions: ContextVar[Sequence[Decision] | None] = ContextVar("nightdrop_decisions", default=None)
_step: ContextVar[str | None] = ContextVar("nightdrop_step", default=None)


class PauseRequested(BaseException):
    """Ends an attempt that asks a person. Not an Exception: no `except Exception` between tool and engine stops it."""

    def __init__(self, pause: Pause) -> None:
        self.pause = pause
        super().__init__(f"paused: {pause.question}")


def pause(question: str, **data: Any) -> Any:
    """Ask a person, inside a tool or a workflow's step: ends the run PAUSED, without holding anything while it waits.

    After `agent.continue_run(run_id, answer)` the attempt runs again, the model's recorded answers included, and this
    returns the answer. Step, question and data together are what is answered: ask differently for what differs.
    """
    decisions = _decisions.get()
    if decisions is None:
        raise DatabaseRequired(
            'pause() works in the tools and steps of a run that is stored: give it db=SqliteDb("nightdrop.db")'
        )
    asked = Pause(question=_text(question), data=_plain(data), step=_step.get())
    for decision in reversed(decisions):
        if decision.pause == asked:
            return decision.answer
    raise PauseRequested(asked)


@contextmanager
def decided(decisions: Sequence[Decision]) -> Iterator[None]:
    """Within, `pause` knows these answers; tasks and threads begun within know them too."""
    token = _decisions.set(decisions)
    try:
        yield
    finally:
        _decisions.reset(token)


@contextmanager
def at_step(path: str) -> Iterator[None]:
    """Within, what `pause` asks is this step's question: its answer is no other step's."""
    token = _step.set(path)
    try:
        yield
    finally:
        _step.reset(token)


def as_json(value: Any, what: str) -> str:
    """JSON text of an argument. Raises UsageError for what is no JSON data."""
    try:
        return json.dumps(value, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} is kept as JSON, and this is no JSON data: {error}") from error


def _text(question: Any) -> str:
    if not isinstance(question, str) or not question.strip():
        raise UsageError(f"pause() takes a question as text, not {question!r}")
    return question


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from the row: equal to what the same call asks the next time."""
    plain: dict[str, Any] = json.loads(as_json(data, "pause(..., NAME=VALUE)"))
    return plain
