"""Ready-made steps, and the cascade example: each document goes only as far as it has to."""

from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest
from pydantic import BaseModel
from reportlab.pdfgen.canvas import Canvas
from tests.examples import example

from nightdrop import Agent, FieldResult, File, Parallel, RunStatus, Step, StepInput, StepOutput, UsageError, Workflow
from nightdrop.rules import adds_up
from nightdrop.schemas import Invoice
from nightdrop.steps import Merge, Split, Validate, doubtful
from nightdrop.store.place import database_at
from nightdrop.testing import ModelRequest, SimulatedProvider

MODEL = "openai-chat:gpt-4o-mini"
EASY = (
    b"Invoice number: INV-00007\nInvoice date: 2026-03-08\nNet amount: 100.00 EUR\n"
    b"VAT 19%: 19.00 EUR\nTotal: 119.00 EUR\n"
)
HARD = b"R-77, on 3 March 2026. All in all 119.00 EUR, thank you.\n"


class Bill(BaseModel):
    """What steps hand on here."""

    net: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal | None = None


def gives(name: str, content: dict[str, Any] | None, sure: float | None = None, **options: Any) -> Step:
    """A step with a content, each field of it that sure."""

    def step(given: StepInput) -> StepOutput[Bill]:
        fields = {} if sure is None else {key: FieldResult(value=v, confidence=sure) for key, v in content.items()}
        return StepOutput(Bill.model_validate(content), fields=fields)

    return Step(name, executor=step, **options)


def merged(*steps: Step) -> Any:
    merge = Merge(of=[step.name for step in steps], returns=Bill)
    return Workflow(id="w", steps=[*steps, merge]).run("x")


def test_merge_takes_the_surest_value_of_each_field() -> None:
    run = merged(gives("a", {"net": 1, "total": 3}, 0.9), gives("b", {"net": 2, "tax": 5}, 0.95))
    assert run.content == Bill(net=Decimal(2), tax=Decimal(5), total=Decimal(3))
    assert {path: f.confidence for path, f in run.fields.items()} == {"net": 0.95, "tax": 0.95, "total": 0.9}


def test_null_loses_to_any_value_and_the_first_wins_a_tie() -> None:
    assert merged(gives("a", {"net": None, "tax": 1}, 0.9), gives("b", {"net": 2, "tax": 7}, 0.9)).content == Bill(
        net=Decimal(2), tax=Decimal(1)
    )


def test_what_did_not_run_is_left_out_and_nothing_at_all_is_an_error() -> None:
    failing = gives("bad", {"net": "no number"}, on_error="skip")
    assert merged(failing, gives("b", {"net": 2})).content == Bill(net=Decimal(2))
    assert merged(failing).error.code == "step_output_invalid"
    with pytest.raises(UsageError, match=r"^workflow_invalid"):
        Merge(of="a")


def test_validate_passes_what_keeps_the_rules_and_fails_what_does_not() -> None:
    rules = [adds_up(["net", "tax"], "total")]
    right = gives("read", {"net": 100, "tax": 19, "total": 119}, 0.9)
    run = Workflow(id="w", steps=[right, Validate(rules, returns=Bill)]).run("x")
    assert run.content == Bill(net=Decimal(100), tax=Decimal(19), total=Decimal(119))
    assert set(run.fields) == {"net", "tax", "total"}
    wrong = gives("read", {"net": 100, "tax": 19, "total": 118})
    run = Workflow(id="w", steps=[wrong, Step("other", executor=lambda _: 1), Validate(rules, of="read")]).run("x")
    assert run.error is not None
    assert (run.error.code, "adds_up" in run.error.message) == ("step_output_invalid", True)
    with pytest.raises(UsageError, match=r"^workflow_invalid"):
        Validate([])


def test_doubtful_names_what_nobody_is_sure_of() -> None:
    fields = {"a": FieldResult(value=1, confidence=0.9), "b": FieldResult(value=1, confidence=0.5)}
    fields["c"] = FieldResult(value=1)
    assert doubtful(StepOutput(data={"a": 1, "b": 1, "c": 1}, fields=fields), 0.8) == ["b", "c"]
    assert doubtful(StepOutput(data={"a": 1}), 0.8) == ["a"]
    assert doubtful(StepOutput(skipped=True), 0.8) == doubtful(None, 0.8) == ["*"]


@pytest.fixture
def cascade(monkeypatch: pytest.MonkeyPatch, place: str) -> Iterator[Any]:
    """The example on a database of this test's own, over a provider that answers what `answers` has."""
    answers: dict[str, Any] = {}

    def answer(request: ModelRequest) -> Any:
        return answers["content"]

    with SimulatedProvider(answers=answer) as provider:
        for name, value in {
            **provider.environment,
            "NIGHTDROP_DB": place,
            "CASCADE_SMALL": MODEL,
            "CASCADE_LARGE": "openai-chat:gpt-4o",
        }.items():
            monkeypatch.setenv(name, value)
        module = example("cascade")
        yield module.workflow, answers, provider
        module.workflow.db.close()


def test_the_cascade_goes_as_far_as_it_has_to(cascade: Any) -> None:
    """An easy document costs nothing, a hard one a small call, one that nobody is sure of two and a person."""
    workflow, answers, provider = cascade
    easy = workflow.run("x", files=[File(content=EASY, filename="easy.txt")])
    assert (easy.status, easy.content.invoice_number) == (RunStatus.COMPLETED, "INV-00007"), easy.error
    assert easy.metrics.model_calls == 0

    true = {"invoice_number": "R-77", "date": "2026-03-03", "total": "119.00", "currency": "EUR", "lines": []}
    answers["content"] = true
    hard = workflow.run("x", files=[File(content=HARD, filename="hard.txt")])
    assert (hard.status, hard.content.invoice_number, hard.content.total) == (
        RunStatus.COMPLETED,
        "R-77",
        Decimal("119.00"),
    ), hard.error
    assert hard.metrics.model_calls == 1

    answers["content"] = true | {"invoice_number": "INVENTED-1"}
    doubt = workflow.run("x", files=[File(content=HARD, filename="hard.txt")])
    assert doubt.pause is not None, doubt.error
    assert (doubt.status, doubt.metrics.model_calls) == (RunStatus.PAUSED, 2)
    assert doubt.pause.data == {"found": {"invoice_number": "INVENTED-1"}}
    done = workflow.continue_run(doubt.run_id, {"invoice_number": "R-77"})
    assert isinstance(done.content, Invoice)
    assert (done.status, done.content.invoice_number, done.metrics.model_calls) == (RunStatus.COMPLETED, "R-77", 2)
    assert len([call for call in provider.meter.calls if call.billed]) == 3


def packet() -> bytes:
    """A PDF of three pages: an invoice of two, and a letter."""
    out = io.BytesIO()
    drawn = Canvas(out)
    for words in ("Invoice number: INV-00007", "Total: 119.00 EUR", "Dear Sir or Madam, claim C-9"):
        drawn.drawString(80, 700, words)
        drawn.showPage()
    drawn.save()
    return out.getvalue()


class Letter(BaseModel):
    """Of a letter."""

    claim: str | None = None


PARTS = [{"label": "invoice", "first": 1, "last": 2}, {"label": "letter", "first": 3, "last": 3}]


def test_split_takes_a_packet_apart_and_evidence_names_its_pages(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each agent sees only its part; functions read parts too; stored, it comes to the same again."""
    seen: list[int] = []

    def answer(request: ModelRequest) -> Any:
        seen.append(request.text.count("INV-00007") + len(request.files))
        return {"claim": "C-9"} if "letter" in request.text.lower() else {"invoice_number": "INV-00007", "lines": []}

    def lengths(given: StepInput) -> list[Any]:
        return [[f.label, f.part[1:] if f.part else None, len(pypdfium2.PdfDocument(f.read()))] for f in given.files]

    with SimulatedProvider(answers=answer) as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        reader = Agent(id="invoice", model=MODEL, output_schema=Invoice)
        clerk = Agent(id="clerk", model=MODEL, output_schema=Letter)
        db = database_at(place)
        workflow = Workflow(
            id="packet",
            steps=[
                Step("parts", executor=Split(ranges=lambda _: PARTS)),
                Parallel(
                    Step("invoice", agent=reader, files="invoice", message="Read the bill."),
                    Step("letter", agent=clerk, files="letter", message="Read the letter."),
                    lengths,
                ),
            ],
            db=db,
        )
        run = workflow.run("x", files=[File(content=packet(), filename="packet.pdf")])
        assert run.status is RunStatus.COMPLETED, run.error
        assert run.content["invoice"].invoice_number == "INV-00007"
        assert run.content["letter"] == Letter(claim="C-9")
        assert run.content["lengths"] == [["invoice", [1, 2], 2], ["letter", [3, 3], 1]]
        assert run.steps[0].content == PARTS
        (letter,) = [step for step in run.steps if step.path == "parallel/letter"]
        assert (letter.fields["claim"].page, letter.fields["claim"].document) == (3, 0)
        again = workflow.retry_run(run.run_id, from_step="parallel/letter")
        assert again.content == run.content
        db.close()


def test_split_refuses_what_is_no_packet() -> None:
    text = File(content=b"no pages", filename="a.txt")
    run = Workflow(id="w", steps=[Step("parts", executor=Split(ranges=lambda _: PARTS))]).run("x", files=[text])
    assert run.error is not None
    assert (run.error.code, "no whole PDF" in run.error.message) == ("step_output_invalid", True)
    run = Workflow(id="w", steps=[Step("parts", executor=Split(ranges=lambda _: [{"label": "x"}]))]).run("x")
    assert run.error is not None
    assert "no list of label" in run.error.message
