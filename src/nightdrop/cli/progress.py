"""Showing how far a batch is: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from nightdrop import clock
from nightdrop.records.batch import BatchProgress, BatchStatus

_LINE_SECONDS = 5.0


class Display(Protocol):
    """Shows one state after another."""

    def show(self, state: BatchProgress) -> None:
        """Show this state."""

    def say(self, text: str) -> None:
        """Tell something that is not a count."""

    def close(self) -> None:
        """Show no more."""


def display_for(console: Console, quiet: bool) -> Display:
    """A bar on a terminal, lines without one, nothing when quiet."""
    if quiet:
        return _Silent()
    return _Bar(console) if console.is_terminal else _Lines(lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201


def counts(state: BatchProgress) -> str:
    """The numbers that matter, in words."""
    return f"{completed(state)} done, {state.failed} failed, {state.skipped} skipped, {cost_words(state.cost)}"


def completed(state: BatchProgress) -> int:
    """Documents that this batch itself brought to a result."""
    return state.done - state.failed - state.skipped


def cost_words(cost: Decimal | None) -> str:
    """What it cost, as a person reads it."""
    return "cost unknown" if cost is None else f"${cost:.4f}"


class _Silent:
    def show(self, state: BatchProgress) -> None:
        del state

    def say(self, text: str) -> None:
        del text

    def close(self) -> None:
        return


class _Bar:
    def __init__(self, console: Console) -> None:
        self._rate = _Rate()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            TextColumn("ETA {task.fields[eta]}"),
            console=console,
        )
        self._task = self._progress.add_task("reading", total=None, counts="", eta="-")
        self._progress.start()

    def show(self, state: BatchProgress) -> None:
        listing = state.status is BatchStatus.ACCEPTING
        self._progress.update(
            self._task,
            description="listing" if listing else "reading",
            total=state.total or None,
            completed=state.done,
            counts=counts(state),
            eta=self._rate.eta(state),
        )

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


class _Lines:
    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._rate = _Rate()
        self._last = -_LINE_SECONDS
        self._shown: tuple[int, int] | None = None

    def show(self, state: BatchProgress) -> None:
        now = clock.monotonic()
        ended = state.completed_at is not None
        if not state.total or self._shown == (state.done, state.total):
            return
        if not ended and now - self._last < _LINE_SECONDS:
            return
        self._last, self._shown = now, (state.done, state.total)
        self.say(f"{state.done}/{state.total} documents: {counts(state)}, ETA {self._rate.eta(state)}")

    def close(self) -> None:
        return


class _Rate:
    """Documents per second since this process began, for the ETA."""

    def __init__(self) -> None:
        self._since = clock.monotonic()
        self._first: int | None = None

    def eta(self, state: BatchProgress) -> str:
        if self._first is None:
            self._first = state.done
        gained, seconds = state.done - self._first, clock.monotonic() - self._since
        if state.done == state.total:
            return "0s"
        if gained < 3 or seconds < 1:
            return "-"
        left = int((state.total - state.done) * seconds / gained)
        return f"{left // 3600}h{left % 3600 // 60:02}m" if left >= 3600 else f"{left // 60}m{left % 60:02}s"
