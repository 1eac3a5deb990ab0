"""On whose behalf a call is made: what decides its place among those that wait, and what it does when none may go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """lane: what shares one turn, a batch or a single run. document: the run. priority: lower goes first.

    waits: whether it goes back to the queue while its provider is paused; else who waits for it is told at once.
    """

    lane: str = ""
    document: str = ""
    priority: int = 0
    waits: Callable[[], bool] = lambda: False


_caller: ContextVar[Caller | None] = ContextVar("nightdrop_caller", default=None)


@contextmanager
def calling(caller: Caller) -> Iterator[None]:
    """Within, calls of models are made on this one's behalf."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


def current_caller() -> Caller:
    """On whose behalf this task works."""
    return _caller.get() or Caller()
