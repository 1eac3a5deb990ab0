"""What OpenAPI says of an answer is what the record's `to_json` gives: no key is lost on the way."""

from __future__ import annotations

from pydantic import BaseModel

from nightdrop.http.shapes import run as shapes
from nightdrop.records import FieldResult, FileRef, RunError, RunInput, RunMetrics, RunOutput, RunStatus
from nightdrop.records.check import Check
from nightdrop.records.pause import Pause
from nightdrop.records.step import StepResult, StepStatus


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


def test_the_example_of_a_run_is_one() -> None:
    example = shapes.Run.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index]
    assert set(example) == keys(shapes.Run)  # type: ignore[arg-type]
    shapes.Run.model_validate(example)
