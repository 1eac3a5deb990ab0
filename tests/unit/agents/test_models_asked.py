"""Agents on a simulated provider over real HTTP: answers, retries, limits, long documents, the ledger's figures."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from reportlab.pdfgen.canvas import Canvas

from nightdrop import Agent, File, RunEvent, RunOutput, RunStatus, SqliteDb
from nightdrop.store.dead_letters import list_dead_letters
from nightdrop.testing import Fault, ToolCall

MODEL = "openai-chat:gpt-4o-mini"


class Paid(BaseModel):
    """An invoice of two fields."""

    invoice_number: str
    total: Decimal
    lines: list[str] = []


def pdf(pages: int, text: str = "Invoice R-7, page {n}") -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for n in range(1, pages + 1):
        canvas.drawString(72, 720, text.format(n=n))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def document(content: bytes = b"Invoice R-7", name: str = "a.txt") -> list[File]:
    return [File(content=content, filename=name)]


@pytest.mark.parametrize("model", [MODEL, "openai:gpt-4o-mini", "compatible:llama3"])
def test_an_answer_is_typed_and_its_cost_is_the_ledgers(provider: Any, db: SqliteDb, model: str) -> None:
    simulated = provider(answers={"Paid": {"invoice_number": "R-7", "total": "12.50"}})
    run = Agent(id="a", model=model, output_schema=Paid, db=db).run("Read.", files=document(pdf(1), "a.pdf"))
    assert run.status is RunStatus.COMPLETED, run.error
    assert run.content == Paid(invoice_number="R-7", total=Decimal("12.50"))
    (call,) = simulated.meter.calls
    assert (run.metrics.model_calls, run.metrics.input_tokens) == (1, call.input_tokens)
    if model.startswith("compatible"):
        assert (run.metrics.cost, run.metrics.cost_source) == (None, "unknown")
        assert call.files, "a page image"
    else:
        assert run.metrics.cost is not None
        assert run.metrics.cost > 0
        assert run.metrics.cost_source == "prices"


@pytest.mark.parametrize("retries", [0, 1, 2])
@pytest.mark.parametrize("kind", ["500", "invalid"])
def test_a_document_that_always_fails_costs_exactly_one_call_and_its_retries(
    provider: Any, db: SqliteDb, retries: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nightdrop.agents.retry_policy._BACKOFF_SECONDS", 0.001)
    simulated = provider(faults=[Fault(kind=kind)])
    run = Agent(id="a", model=MODEL, output_schema=Paid, db=db, retries=retries).run("Read.", files=document())
    assert run.status is RunStatus.ERROR
    assert len(simulated.meter.calls) == run.metrics.model_calls == 1 + retries
    assert run.error is not None
    assert run.error.code == ("provider_unavailable" if kind == "500" else "answer_invalid")
    with db.read() as connection:
        (letter,) = list_dead_letters(connection)
        raw = connection.exec_driver_sql("SELECT raw_answer FROM nightdrop_dead_letters").scalar()
    assert letter.code == run.error.code
    assert (raw is not None) == (kind == "invalid"), "the raw answer is kept"


def test_an_invalid_answer_is_sent_back_with_what_is_wrong_with_it(provider: Any) -> None:
    seen: list[str] = []

    def answer(request: Any) -> Any:
        seen.append(request.text)
        return {"total": "x"} if len(seen) == 1 else {"invoice_number": "R-7", "total": "1"}

    provider(answers=answer)
    run = Agent(id="a", model=MODEL, output_schema=Paid).run("Read.", files=document())
    assert run.status is RunStatus.COMPLETED, run.error
    assert "invoice_number: Field required" in seen[1]
    assert run.metrics.model_calls == 2


def test_a_429_spends_no_attempt(provider: Any, db: SqliteDb) -> None:
    simulated = provider(faults=[Fault(kind="429", calls=(1, 2, 3), seconds=0.01)])
    run = Agent(id="a", model=MODEL, output_schema=Paid, db=db, retries=0).run("Read.", files=document())
    assert run.status is RunStatus.COMPLETED, run.error
    assert simulated.meter.totals().outcomes == {"429": 3, "answered": 1}


def test_tools_are_called_and_every_call_is_in_the_ledger(provider: Any, db: SqliteDb) -> None:
    provider(tools=[ToolCall(name="vendor", arguments={"name": "ACME"})])
    asked: list[str] = []

    def vendor(name: str) -> str:
        """Look a vendor up."""
        asked.append(name)
        return "known"

    run = Agent(id="a", model=MODEL, output_schema=Paid, tools=[vendor], db=db).run("Read.", files=document())
    assert run.status is RunStatus.COMPLETED, run.error
    assert (asked, run.metrics.model_calls) == (["ACME"], 2)


@pytest.mark.parametrize("durable", [True, False])
def test_a_stream_gives_the_text_as_it_comes_and_ends_with_the_run(provider: Any, db: SqliteDb, durable: bool) -> None:
    provider(answers={"Paid": {"invoice_number": "R-7", "total": "12.50"}})
    agent = Agent(id="a", model=MODEL, output_schema=Paid, db=db if durable else None)
    *events, run = agent.run("Read.", files=document(), stream=True)
    assert isinstance(run, RunOutput)
    assert run.status is RunStatus.COMPLETED
    assert run.metrics.time_to_first_token is not None
    texts = [event.text for event in events if isinstance(event, RunEvent) and event.kind == "text"]
    assert len(texts) > 1
    assert Paid.model_validate_json("".join(texts)) == run.content


def test_a_pdf_of_too_many_pages_is_cut_and_the_answers_merged(provider: Any, db: SqliteDb) -> None:
    parts: list[str] = []

    def answer(request: Any) -> Any:
        parts.append(request.text)
        return {"invoice_number": "R-7" if len(parts) == 1 else None, "total": "5", "lines": [f"part {len(parts)}"]}

    simulated = provider(answers=answer)
    run = Agent(id="a", model=MODEL, output_schema=Paid, db=db).run("Read.", files=document(pdf(230), "long.pdf"))
    assert run.status is RunStatus.COMPLETED, run.error
    assert run.content == Paid(invoice_number="R-7", total=Decimal(5), lines=["part 1", "part 2", "part 3", "part 4"])
    assert len(simulated.meter.calls) == len(parts) == 4
    assert "pages 1 to " in parts[0]


def test_a_long_document_is_refused_by_choice_before_any_call(provider: Any) -> None:
    simulated = provider()
    agent = Agent(id="a", model=MODEL, output_schema=Paid, long_documents="refuse")
    run = agent.run("Read.", files=document(pdf(101), "long.pdf"))
    assert run.error is not None
    assert run.error.code == "document_too_long"
    assert "101 pages" in run.error.message
    assert simulated.meter.calls == ()


def test_a_missing_key_is_said_before_any_document_is_touched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    agent = Agent(id="a", model="openai:gpt-never-used", output_schema=Paid)
    with pytest.raises(Exception, match=r"provider_not_configured.*OPENAI_API_KEY"):
        agent.run("Read.", files=[File(filepath=tmp_path / "missing.pdf")])


def test_the_users_own_price_list_comes_first(provider: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    provider()
    prices = tmp_path / "prices.toml"
    prices.write_text('["openai-chat:gpt-4o-mini"]\nrequest = "0.25"\n')
    monkeypatch.setenv("NIGHTDROP_PRICES", str(prices))
    run = Agent(id="a", model=MODEL, output_schema=Paid).run("Read.", files=document())
    assert (run.metrics.cost, run.metrics.cost_source) == (Decimal("0.25"), "override")
