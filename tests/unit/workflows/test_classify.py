"""Classify and Extract: a closed set of labels, the ways out of doubt, and what is asked about each label."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from nightdrop import Agent, File, Router, RunStatus, Step, StepFile, StepInput, Steps, UsageError, Workflow
from nightdrop.schemas import Invoice
from nightdrop.steps import Classify, Extract, LabelledPages, Split, by_words
from nightdrop.store.place import database_at
from nightdrop.testing import ModelRequest, SimulatedProvider
from nightdrop.workflows.inspect import inspect

MODEL = "openai-chat:gpt-4o-mini"
KINDS = {"invoice": "a bill", "letter": ""}


def pdf(*pages: str) -> bytes:
    out = io.BytesIO()
    drawn = Canvas(out)
    for words in pages:
        drawn.drawString(80, 700, words)
        drawn.showPage()
    drawn.save()
    return out.getvalue()


def file(*pages: str, name: str = "a.pdf") -> File:
    return File(content=pdf(*pages), filename=name)


def labels_of(given: StepInput) -> list[str]:
    return [found.label for found in given.files]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A sorter, what it answers (`.answer`), and the texts that it was sent."""

    class Asked:
        sorter = Agent(id="sorter", model=MODEL)
        answer: Any = None
        texts: list[str] = []  # noqa: RUF012 - one a fixture

    found = Asked()
    found.texts = []

    def answer(request: ModelRequest) -> Any:
        found.texts.append(request.text)
        return {"documents": found.answer}

    with SimulatedProvider(answers=answer) as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        yield found


def sure(label: str | None, confidence: float = 0.9, **pages: int) -> dict[str, Any]:
    return {"label": label, "confidence": confidence, **pages}


def test_an_agent_labels_each_document_in_one_call(asked: Any) -> None:
    """Documents handed in and parts of a packet alike; what is unsure gets the label for that."""
    asked.answer = [sure("invoice"), sure("letter", 0.2), sure(None)]
    kinds = Classify(KINDS, agent=asked.sorter, otherwise="other")
    parts = Split(ranges=lambda _: [{"label": "", "first": n, "last": n} for n in (1, 2, 3)])
    for steps, files in (
        ([kinds, labels_of], [file("a", name=f"{n}.pdf") for n in "abc"]),
        ([Step("parts", executor=parts), kinds, labels_of], [file("a", "b", "c")]),
    ):
        run = Workflow(id="w", steps=steps).run("x", files=files)
        assert run.content == ["invoice", "other", "other"], run.error
        (settled,) = [step for step in run.steps if step.path == "classify/classify labels"]
        assert settled.content == [
            {"label": "invoice", "confidence": 0.9},
            {"label": "other", "confidence": 0.2},
            {"label": "other", "confidence": 0.9},
        ]
    assert len(asked.texts) == 2
    assert "- invoice: a bill\n- letter" in asked.texts[0]


def test_an_answer_of_another_length_puts_all_in_doubt(asked: Any) -> None:
    asked.answer = [sure("invoice")]
    kinds = Classify(KINDS, agent=asked.sorter, otherwise="other")
    run = Workflow(id="w", steps=[kinds, labels_of]).run("x", files=[file("a"), file("b")])
    assert run.content == ["other", "other"]


def test_a_label_outside_of_the_set_is_no_answer(asked: Any) -> None:
    asked.answer = [sure("poem")]
    run = Workflow(id="w", steps=[Classify(KINDS, agent=asked.sorter)]).run("x", files=[file("a")])
    assert (run.error.code if run.error else None) == "answer_invalid"
    run = Workflow(id="w", steps=[Classify(KINDS, by=lambda _: "poem")]).run("x", files=[file("a")])
    assert (run.error.code if run.error else None) == "step_output_invalid"


def test_a_packet_is_taken_apart_as_the_agent_says(asked: Any) -> None:
    asked.answer = [sure("letter", first=3, last=3), sure("invoice", first=1, last=2)]
    kinds = Classify(KINDS, agent=asked.sorter, pages=True)

    def seen(given: StepInput) -> list[Any]:
        return [[f.label, list(f.part[1:]) if f.part else None] for f in given.files]

    run = Workflow(id="w", steps=[kinds, Split(), seen]).run("x", files=[file("a", "b", "c")])
    assert run.content == [["invoice", [1, 2]], ["letter", [3, 3]]], run.error


@pytest.mark.parametrize(
    "pages",
    [[(1, 1), (3, 3)], [(1, 2)], [(1, 2), (2, 3)], [(1, 4)], [(2, 1)], []],
    ids=["a gap", "not to the end", "overlap", "too many", "backwards", "none"],
)
def test_pages_that_cannot_be_right_are_not_lost(asked: Any, pages: list[tuple[int, int]]) -> None:
    """The whole packet is in doubt: no page is left out without a word."""
    asked.answer = [sure("invoice", first=first, last=last) for first, last in pages]
    kinds = Classify(KINDS, agent=asked.sorter, pages=True, otherwise="other")
    run = Workflow(id="w", steps=[kinds]).run("x", files=[file("a", "b", "c")])
    assert run.content == [LabelledPages(label="other", first=1, last=3)], run.error


def test_a_person_is_asked_until_the_answer_can_be_taken(asked: Any, place: str) -> None:
    """Without `otherwise`; the agent is not asked again, and the person's word counts."""
    asked.answer = [sure("invoice", 0.1, first=1, last=1), sure("letter", first=2, last=2)]
    kinds = Classify(KINDS, agent=asked.sorter, pages=True)
    db = database_at(place)
    workflow = Workflow(id="w", steps=[kinds, Split(), labels_of], db=db)
    run = workflow.run("x", files=[file("a", "b")])
    assert run.pause is not None, run.error
    assert (run.pause.data["pages"], run.pause.data["labels"]) == (2, ["invoice", "letter"])
    for wrong in ("letter", [{"label": "poem", "first": 1, "last": 2}], [{"label": "letter", "first": 1, "last": 3}]):
        run = workflow.continue_run(run.run_id, wrong)
        assert run.pause is not None, run.error
        assert "cannot be taken" in run.pause.data["problem"]
    run = workflow.continue_run(run.run_id, [{"label": "letter", "first": 1, "last": 2}])
    assert (run.status, run.content, len(asked.texts)) == (RunStatus.COMPLETED, ["letter"], 1)
    db.close()


def test_a_function_labels_and_a_person_helps(place: str) -> None:
    """One label for one document; a label that a function gives may have a confidence."""
    db = database_at(place)
    kinds = Classify(KINDS, by=lambda found: ("letter", 0.3))
    workflow = Workflow(id="w", steps=[kinds, labels_of], db=db)
    run = workflow.run("x", files=[file("a")])
    assert run.pause is not None, run.error
    assert run.pause.data["found"] == [{"document": "a.pdf", "label": "letter", "confidence": 0.3}]
    run = workflow.continue_run(run.run_id, ["invoice", "letter"])
    assert run.pause is not None
    assert workflow.continue_run(run.run_id, "invoice").content == ["invoice"]
    db.close()


def test_words_tell_documents_apart_for_nothing() -> None:
    words = by_words({"invoice": ["invoice  number", "Rechnung"], "letter": ["dear sir"]})
    kinds = Classify(KINDS, by=words, otherwise="other")
    files = [file("INVOICE number: 1"), file("Dear Sir"), file("Dear Sir, invoice number"), file("nothing")]
    run = Workflow(id="w", steps=[kinds, labels_of]).run("x", files=files)
    assert run.content == ["invoice", "letter", "other", "other"], run.error


def test_extract_asks_the_runs_message_about_the_documents_of_a_label() -> None:
    """Routed by label; a label without documents asks nobody, and no agent is asked about a list of labels."""
    texts: list[str] = []

    def seen(request: ModelRequest) -> Any:
        texts.append(request.text)
        return {"invoice_number": "INV-7", "lines": []}

    with SimulatedProvider(answers=seen) as provider, pytest.MonkeyPatch.context() as patch:
        for name, value in provider.environment.items():
            patch.setenv(name, value)
        reader = Agent(id="reader", model=MODEL, output_schema=Invoice)
        kinds = Classify(KINDS, by=by_words({"invoice": ["invoice"]}), otherwise="letter")
        routes = Router(
            kinds.by_label, [Extract(reader, "invoice"), Step("letter", executor=lambda given: len(given.files))]
        )
        workflow = Workflow(id="w", steps=[kinds, routes])
        run = workflow.run("Read this.", files=[file("Invoice INV-7", name="i.pdf"), file("hello", name="l.pdf")])
        assert (run.content, [step.path for step in run.steps][1:]) == (
            2,
            ["router", "router/invoice", "router/letter"],
        ), run.error
        run = workflow.run("Read this.", files=[file("hello")])
        assert "router/invoice" not in [step.path for step in run.steps]
    (text,) = texts
    assert "Read this." in text
    assert '"label"' not in text
    assert "hello" not in text


def test_what_cannot_be_meant_is_refused() -> None:
    sorter, reader = Agent(id="s", model=MODEL), Agent(id="r", model=MODEL, output_schema=Invoice)
    for wrong in (
        {"labels": "invoice", "agent": sorter},
        {"labels": [], "agent": sorter},
        {"labels": KINDS},
        {"labels": KINDS, "agent": sorter, "by": lambda _: None},
        {"labels": KINDS, "by": lambda _: None, "pages": True},
        {"labels": KINDS, "agent": sorter, "sure": 2},
        {"labels": KINDS, "agent": reader},
        {"labels": KINDS, "agent": "sorter"},
    ):
        with pytest.raises(UsageError, match=r"^workflow_invalid"):
            Classify(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^workflow_invalid"):
        by_words({"invoice": "invoice"})


def test_check_knows_the_labels() -> None:
    """Routes that no label leads to, labels without a route, and agents that ask about a label nobody gives."""
    reader = Agent(id="reader", model=MODEL, output_schema=Invoice)
    kinds = Classify(KINDS, by=lambda _: None, otherwise="other")
    routes = Router(kinds.by_label, [Extract(reader, "invoice"), Extract(reader, "lettr"), Extract(reader, "letter")])
    found = [(f.path, f.kind, f.is_problem) for f in inspect(Workflow(id="w", steps=[kinds, routes]).spec)]
    assert found == [
        ("router/lettr", "never_reached", True),
        ("router", "unknown_choice", True),
        ("router/lettr", "unknown_label", False),
    ]

    def anything(given: StepInput) -> list[LabelledPages]:
        return []

    for split in (Split(ranges=anything), Steps([Step("ranges", executor=anything), Split()], name="s")):
        assert inspect(Workflow(id="w", steps=[kinds, split, Extract(reader, "x")]).spec) == []


def test_a_label_is_kept_with_the_record(place: str) -> None:
    """Documents that were handed in have their labels also when the run goes on elsewhere."""
    asked: list[StepFile] = []
    db = database_at(place)
    kinds = Classify(KINDS, by=lambda found: asked.append(found) or "letter")
    workflow = Workflow(id="w", steps=[kinds, labels_of], db=db)
    run = workflow.run("x", files=[file("a")])
    again = workflow.retry_run(run.run_id, from_step="labels_of")
    assert (again.content, len(asked)) == (["letter"], 1)
    db.close()
