"""What operators see of runs: one trace for a run whose id it has, and log lines with the run in them."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from nightdrop import Agent, File, RunOutput, tracing
from nightdrop.logs import JsonFormatter
from nightdrop.schemas import Invoice
from nightdrop.store import Database
from nightdrop.testing import Fault, SimulatedProvider, ToolCall
from tests.conftest import scan_png
from tests.fundamentals.conftest import MESSAGE, document


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Where spans go while a test runs."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("nightdrop"))
    return exporter


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


@pytest.fixture
def asking(db: Database, provider: SimulatedProvider) -> Agent:
    """An agent that asks a paid model."""
    name = f"asking-{uuid.uuid4().hex[:8]}"
    return Agent(id=name, model="openai-chat:gpt-4o-mini", output_schema=Invoice, db=db)


def of_run(spans: InMemorySpanExporter, run: RunOutput) -> Sequence[ReadableSpan]:
    """The spans of a run's trace, in the order of their ends."""
    trace_id = uuid.UUID(run.run_id).int
    return [s for s in spans.get_finished_spans() if s.context is not None and s.context.trace_id == trace_id]


def seen(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_run_is_one_trace_with_its_calls(asking: Agent, spans: InMemorySpanExporter) -> None:
    run = asking.run(MESSAGE, files=[document(1)])
    call, whole, attempt = of_run(spans, run)
    assert [s.name for s in (call, whole, attempt)] == ["nightdrop.model_call", "nightdrop.run", "nightdrop.attempt"]
    assert call.parent is not None
    assert attempt.context is not None
    assert call.parent.span_id == attempt.context.span_id
    assert {seen(s)["nightdrop.run_id"] for s in (call, whole, attempt)} == {run.run_id}
    assert (seen(whole)["nightdrop.status"], seen(whole)["nightdrop.agent_id"]) == ("COMPLETED", asking.id)
    assert run.created_at is not None
    assert whole.start_time == int(run.created_at.timestamp() * 1000) * 1_000_000
    said = seen(call)
    assert (said["gen_ai.provider.name"], said["gen_ai.request.model"]) == ("openai-chat", "gpt-4o-mini")
    assert said["gen_ai.usage.input_tokens"] == run.metrics.input_tokens
    assert run.metrics.cost is not None
    assert said["nightdrop.cost_dollars"] == pytest.approx(float(run.metrics.cost))


def test_a_call_that_fails_and_is_made_again(
    asking: Agent, provider: SimulatedProvider, spans: InMemorySpanExporter
) -> None:
    provider.set_faults([Fault(kind="500", first=1)])
    run = asking.run(MESSAGE, files=[document(2)])
    failed, answered, *_ = of_run(spans, run)
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, "provider_unavailable")
    assert seen(failed)["nightdrop.outcome"] == "provider_unavailable"
    assert (answered.status.status_code, seen(answered)["nightdrop.outcome"]) == (StatusCode.UNSET, "answered")


def test_a_run_that_fails_says_so(agent: Agent, spans: InMemorySpanExporter) -> None:
    run = agent.run(MESSAGE, files=[File(content=scan_png(), filename="scan.png")])
    whole, attempt = of_run(spans, run)
    for span in (whole, attempt):
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "no_text")


class Lines(logging.Handler):
    """Log records as JSON lines."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.written: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, logger = Lines(), logging.getLogger("nightdrop")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_each_end_is_a_line_with_the_run(agent: Agent, lines: Lines) -> None:
    good = agent.run(MESSAGE, files=[document(3)])
    bad = agent.run(MESSAGE, files=[File(content=scan_png(), filename="scan.png")])
    ends = {line["run_id"]: line for line in lines.written if line["logger"] == "nightdrop.engine" and "run_id" in line}
    assert (ends[good.run_id]["message"], ends[good.run_id]["level"]) == ("COMPLETED", "info")
    assert ends[bad.run_id]["message"] == "ERROR: no_text"
    assert ends[good.run_id]["agent_id"] == agent.id
    assert ends[good.run_id]["attempt"] == 1
    assert "batch_id" not in ends[good.run_id]


def test_what_a_tool_logs_has_the_run_too(db: Database, monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    def look_up(number: str) -> str:
        """Look a number up."""
        logging.getLogger("nightdrop.test").warning("looking for %s", number, extra={"number": number})
        return "found"

    with SimulatedProvider(tools=[ToolCall(name="look_up", arguments={"number": "7"})]) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        tooled = Agent(id="tooled", model="openai-chat:gpt-4o-mini", output_schema=Invoice, db=db, tools=[look_up])
        run = tooled.run(MESSAGE, files=[document(4)])
    (line,) = [line for line in lines.written if line["logger"] == "nightdrop.test"]
    assert (line["run_id"], line["number"], line["message"]) == (run.run_id, "7", "looking for 7")
