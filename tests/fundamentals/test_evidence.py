"""Evidence: every value of an answer is searched in the document, and says how and where it was found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from nightdrop import Agent, FieldMatch, File, RunOutput, RunStatus
from nightdrop.store import Database
from nightdrop.testing import SimulatedProvider
from tests.conftest import finished, nightdrop, scan_png

MODEL = "openai-chat:gpt-4o-mini"
LETTER = b"Invoice R-7 of 2026-03-01\nTea  2 x 5.00 = 10.00 EUR\nTotal 10.00 EUR\n"
Answers = dict[str, Any]


class Line(BaseModel):
    """A line of an invoice."""

    what: str
    amount: float


class Bill(BaseModel):
    """An invoice, with a field that is asked for under another name."""

    number: str
    seller: str | None = Field(default=None, alias="from")
    lines: list[Line] = []


@pytest.fixture
def answers() -> Answers:
    """What the model answers; a test may change it."""
    return {"number": "R-7", "from": "Invented Ltd", "lines": [{"what": "TEA 2", "amount": 10.0}]}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> Iterator[SimulatedProvider]:
    """A model that says what the test wants."""
    with SimulatedProvider(answers=lambda _: answers) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def found(run: RunOutput) -> dict[str, FieldMatch | None]:
    return {path: field.match for path, field in run.fields.items()}


@pytest.mark.usefixtures("provider")
def test_every_value_of_an_answer_says_where_it_stands(db: Database) -> None:
    """Stored with the result, in nested models and lists too; an invented value is seen to be in no document."""
    agent = Agent(id="evidence", model=MODEL, output_schema=Bill, db=db)
    run = agent.run("Read.", files=[File(content=LETTER, filename="a.txt")])
    assert run.status is RunStatus.COMPLETED, run.error
    assert found(run) == {"number": "exact", "seller": "absent", "lines.0.what": "absent", "lines.0.amount": "exact"}
    number, seller = run.fields["number"], run.fields["seller"]
    assert (number.confidence, number.document, number.page, number.span, number.evidence) == (
        0.95,
        0,
        1,
        (8, 11),
        "R-7",
    )
    assert (seller.value, seller.confidence, seller.page, seller.evidence) == ("Invented Ltd", 0.25, None, None)
    assert agent.get_run_output(run.run_id).fields == run.fields


@pytest.mark.usefixtures("provider")
def test_the_best_of_several_documents_counts(answers: Answers) -> None:
    """`document` is the position of the file; without a database evidence is the same."""
    answers["from"] = "Teahouse"
    agent = Agent(id="several", model=MODEL, output_schema=Bill)
    files = [File(content=LETTER, filename="a.txt"), File(content=b"Yours, the Teahouse", filename="b.txt")]
    run = agent.run("Read.", files=files)
    assert run.error is None
    assert (run.fields["number"].document, run.fields["seller"].document) == (0, 1)


@pytest.mark.usefixtures("provider")
def test_a_scan_leaves_it_unknown() -> None:
    """No text to search: no confidence, which is not the same as a high or a low one."""
    run = Agent(id="scan", model=MODEL, output_schema=Bill).run("Read.", files=[File(content=scan_png())])
    assert {field.match for field in run.fields.values()} == {FieldMatch.NO_TEXT}
    assert {field.confidence for field in run.fields.values()} == {None}


@pytest.mark.usefixtures("provider")
def test_without_documents_the_message_is_searched() -> None:
    """What was typed in is the text."""
    run = Agent(id="typed", model=MODEL, output_schema=Bill).run(LETTER.decode())
    assert (run.fields["number"].match, run.fields["number"].document) == ("exact", None)


@pytest.mark.usefixtures("provider")
def test_runs_show_prints_the_evidence(place: str, db: Database) -> None:
    """`nightdrop runs show RUN --evidence` in a process of its own."""
    agent = Agent(id="shown", model=MODEL, output_schema=Bill, db=db)
    run = agent.run("Read.", files=[File(content=LETTER, filename="a.txt")])
    code, out, err = finished(nightdrop("runs", "show", run.run_id, "--evidence", "--db", place))
    assert code == 0, err
    rows = [line.split() for line in out.splitlines()]
    assert ["number", "R-7", "0.95", "1", "R-7", "exact", "0", "8-11"] in rows
    assert ["seller", "Invented", "Ltd", "0.25", "absent"] in rows
    code, out, err = finished(nightdrop("runs", "show", run.run_id, "--db", place))
    assert "MATCH" not in out


def test_the_local_reader_says_it_too(db: Database, tmp_path: Path) -> None:
    """What it reads stands in the document by nature."""
    (tmp_path / "a.txt").write_bytes(b"Invoice number: R-7\nTotal: 10.00 EUR\n")
    schema = {"type": "object", "properties": {"invoice_number": {"type": "string"}}}
    run = Agent(id="local", model="local", output_schema=schema, db=db).run("", files=[tmp_path / "a.txt"])
    assert found(run) == {"invoice_number": "exact"}
