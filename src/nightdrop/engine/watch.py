"""What operators see of an attempt: a span around it, fields in every line that is logged within, and its end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from opentelemetry.trace import Span

from nightdrop import clock, tracing
from nightdrop.logs import about
from nightdrop.records.run import RunStatus
from nightdrop.store.load import Work
from nightdrop.store.outcome import came_to

log = logging.getLogger("nightdrop.engine")

Write = Callable[[sa.Connection], bool]


class Watch:
    """One attempt that is being worked on here. Where nobody watches it costs nothing."""

    def __init__(self, work: Work, span: Span) -> None:
        self._work = work
        self._span = span
        self._end: tuple[RunStatus, str | None] | None = None

    def seen(self, write: Write) -> Write:
        """The same write, which also sees what it has brought the run to."""
        if not (self._span.is_recording() or log.isEnabledFor(logging.INFO)):
            return write

        def write_and_see(connection: sa.Connection) -> bool:
            won = write(connection)
            self._end = came_to(connection, self._work.run.run_id) if won else None
            return won

        return write_and_see

    def ended(self) -> None:
        """What it was brought to is committed: say so."""
        if self._end is None:
            return
        status, error = self._end
        log.info("%s", status.value if error is None else f"{status.value}: {error}")
        if error is not None:
            tracing.failed(self._span, error)
        if status.is_open:
            return  # it waits in the queue again
        run, now_ms = self._work.run, clock.now_ms()
        tracing.past_span(
            "nightdrop.run",
            {**_attributes(self._work), "nightdrop.status": status.value},
            run_id=run.run_id,
            from_ms=now_ms if run.created_at is None else clock.to_ms(run.created_at),
            to_ms=now_ms,
            error=error,
        )


@contextmanager
def watched(work: Work) -> Iterator[Watch]:
    """While an attempt is worked on."""
    run = work.run
    with (
        about(
            run_id=run.run_id,
            attempt=work.attempt,
            batch_id=run.batch_id,
            agent_id=run.agent_id,
            workflow_id=run.workflow_id,
        ),
        tracing.span("nightdrop.attempt", _attributes(work), run_id=run.run_id) as span,
    ):
        yield Watch(work, span)


def _attributes(work: Work) -> dict[str, str | int | float | None]:
    """What every span of a run says of it."""
    run = work.run
    return {
        "nightdrop.run_id": run.run_id,
        "nightdrop.agent_id": run.agent_id,
        "nightdrop.workflow_id": run.workflow_id,
        "nightdrop.batch_id": run.batch_id,
        "nightdrop.attempt": work.attempt,
    }
