"""Spans with the OpenTelemetry API: they go nowhere until the program has a tracer provider.

A run's id has 128 bits, and so has a trace id: all spans of a run, whichever processes made them, are one trace of that
id.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Status, StatusCode, TraceFlags

Attributes = Mapping[str, str | int | float | None]

_NANOSECONDS = 1_000_000  # in a millisecond


def _tracer() -> trace.Tracer:
    return trace.get_tracer("nightdrop")


@contextmanager
def span(name: str, attributes: Attributes, *, run_id: str | None = None) -> Iterator[Span]:
    """A span around a block; below the current one, or the run's trace if `run_id` is given. None is left out.

    What is raised within is not noted by itself: say it with `failed`.
    """
    with _tracer().start_as_current_span(
        name,
        context=None if run_id is None else _trace_of(run_id),
        attributes=_given(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        yield made


def past_span(name: str, attributes: Attributes, *, run_id: str, from_ms: int, to_ms: int, error: str | None) -> None:
    """A span of something that is over, in the run's trace. Times in milliseconds since 1970."""
    made = _tracer().start_span(
        name, context=_trace_of(run_id), attributes=_given(attributes), start_time=from_ms * _NANOSECONDS
    )
    if error is not None:
        failed(made, error)
    made.end(to_ms * _NANOSECONDS)


def failed(made: Span, code: str) -> None:
    """Say that what a span is about ended with this error's code."""
    made.set_status(Status(StatusCode.ERROR, code))


def note(attributes: Attributes, *, error: str | None = None) -> None:
    """Add to the current span what is known by now. error: the code it ended with."""
    made = trace.get_current_span()
    made.set_attributes(_given(attributes))
    if error is not None:
        failed(made, error)


def _given(attributes: Attributes) -> dict[str, str | int | float]:
    return {name: value for name, value in attributes.items() if value is not None}


def _trace_of(run_id: str) -> Context:
    """The context of a parent that nobody recorded: it gives its children the trace id."""
    number = uuid.UUID(run_id).int
    parent = SpanContext(
        trace_id=number,
        span_id=(number & 0xFFFF_FFFF_FFFF_FFFF) or 1,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())
