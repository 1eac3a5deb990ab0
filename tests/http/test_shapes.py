"""What OpenAPI says of an answer is what the record's `to_json` gives: no key is lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel

from nightdrop.http.shapes import run as shapes
from nightdrop.http.shapes.batch import Batch
from nightdrop.http.shapes.letter import Letter, ReplayOutcome
from nightdrop.http.shapes.money import CostLine, Limit, PausedProvider
from nightdrop.http.shapes.review import AccuracyRow, ReviewItem
from nightdrop.http.shapes.schedule import Fire, ScheduleShape
from nightdrop.records import FieldResult, FileRef, RunError, RunInput, RunMetrics, RunOutput, RunStatus
from nightdrop.records.batch import BatchProgress, BatchStatus
from nightdrop.records.check import Check
from nightdrop.records.cost import CostRow
from nightdrop.records.dead_letter import DeadLetter, DeadLetterState, Replay
from nightdrop.records.pause import Pause
from nightdrop.records.review import Accuracy, Review, ReviewKind, ReviewState
from nightdrop.records.schedule import Schedule, ScheduleRun
from nightdrop.records.step import StepResult, StepStatus
from nightdrop.store.provider_desk import LimitInUse
from nightdrop.store.providers import ProviderPause


def keys(shape: type[BaseModel]) -> set[str]:
    return set(shape.model_fields)


def test_a_run() -> None:
    run = RunOutput(
        run_id="r",
        session_id="s",
        status=RunStatus.ERROR,
        input=RunInput(message="", files=(FileRef(sha256=None),)),
        error=RunError(code="no_text", message=""),
        pause=Pause(question="?"),
        fields={"total": FieldResult(value="1")},
        checks=(Check(rule="r", passed=True),),
        steps=(StepResult(path="a", kind="function", status=StepStatus.COMPLETED),),
    ).to_json()
    assert keys(shapes.Run) == set(run)
    assert keys(shapes.Metrics) == set(RunMetrics().to_json())
    assert keys(shapes.FieldValue) == set(run["fields"]["total"])
    assert keys(shapes.RuleCheck) == set(run["checks"][0])
    assert keys(shapes.RunFile) == set(run["input"]["files"][0])
    assert keys(shapes.RunInputs) == set(run["input"])
    assert keys(shapes.RunProblem) == set(run["error"])
    assert keys(shapes.RunStep) == set(run["steps"][0])
    assert keys(shapes.Question) == set(run["pause"])


def test_the_others() -> None:
    now = datetime.now(UTC)
    letter = DeadLetter(
        id="d",
        run_id="r",
        agent_id=None,
        batch_id=None,
        code="no_text",
        message="",
        retryable=False,
        attempts=1,
        sha256=None,
        file=None,
        state=DeadLetterState.OPEN,
        created_at=now,
    )
    progress = BatchProgress(
        id="b",
        status=BatchStatus.RUNNING,
        agent_id=None,
        source=None,
        total=0,
        done=0,
        failed=0,
        skipped=0,
        documents=0,
        cost=None,
        created_at=now,
        completed_at=None,
    )
    schedule = Schedule(id="s", name="n", cron="@daily", endpoint="/agents/a/runs")
    row = CostRow(key="k", calls=1, open_calls=0, input_tokens=0, output_tokens=0, cost=None)
    pause = ProviderPause(name="openai", code="paused", message="", since=0, probe_at=None)
    limit = LimitInUse(key="k", concurrency=1.0, processes=1, demand=0)
    for shape, found in (
        (Letter, letter.to_json()),
        (Batch, progress.to_json()),
        (ScheduleShape, schedule.to_json()),
        (CostLine, row.to_json()),
        (PausedProvider, pause.to_json()),
        (Limit, limit.to_json()),
        (ReplayOutcome, Replay(letter_id="d", run_id="r", attempt=1).to_json()),
    ):
        assert keys(shape) == set(found), shape
    assert keys(Fire) == set(ScheduleRun.__slots__)


def test_a_review() -> None:
    review = Review(
        id="r",
        run_id="r",
        attempt=1,
        agent_id="a",
        batch_id=None,
        kind=ReviewKind.DOUBT,
        field="total",
        reasons=(),
        value="1",
        found=None,
        candidates=(),
        schema={},
        risk=0.5,
        state=ReviewState.OPEN,
        created_at=datetime.now(UTC),
    )
    shown = {field.alias or name for name, field in ReviewItem.model_fields.items()}
    assert shown == set(review.to_json())
    row = Accuracy(agent_id="a", kind=ReviewKind.SAMPLE, field="total", right=1, wrong=0)
    assert keys(AccuracyRow) == set(row.to_json())


def test_the_example_of_a_run_is_one() -> None:
    example = shapes.Run.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index]
    assert set(example) == keys(shapes.Run)  # type: ignore[arg-type]
    shapes.Run.model_validate(example)
