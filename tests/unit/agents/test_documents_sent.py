"""What arrives at the provider: the document byte for byte, by every way of asking, and never a mark."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import BaseModel

from nightdrop import Agent, File, RunOutput, RunStatus, SqliteDb
from nightdrop.agents import Attachment
from nightdrop.agents.marks import Marks, pieces
from nightdrop.demo.samples import all_samples
from nightdrop.errors import DocumentNotSent, FileCorrupt
from nightdrop.testing import Fault, SimulatedProvider, ToolCall

MODELS = ["openai-chat:gpt-4o-mini", "openai:gpt-4o-mini"]


class Paid(BaseModel):
    """One field."""

    invoice_number: str


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Starts a simulated provider that knows documents by hash and points the environment at it."""
    started: list[SimulatedProvider] = []

    def start(**options: Any) -> SimulatedProvider:
        made = SimulatedProvider(**options).start()
        started.append(made)
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        return made

    yield start
    for made in started:
        made.stop()


def pdf(size: int, seed: int = 0) -> bytes:
    """A real PDF of exactly so many bytes, with noise at its end."""
    base = next(s.content for s in all_samples() if s.name == "INV-20418.pdf")
    noise = random.Random(seed).randbytes(size).replace(b"\n", b" ").replace(b"\r", b" ")
    return (base + b"\n%" + noise)[:size] if size else base


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files_seen(simulated: SimulatedProvider) -> list[tuple[str, ...]]:
    return [call.files for call in simulated.meter.calls]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("size", [0, 98_304, 98_305, 200_000, 1_000_001, 1_000_002])
def test_a_document_arrives_byte_for_byte(provider: Any, db: SqliteDb, model: str, size: int) -> None:
    content = pdf(size)
    simulated = provider(answers={sha(content): {"invoice_number": "by its hash"}})
    run = Agent(id="a", model=model, output_schema=Paid, db=db).run("Read.", files=[File(content=content)])
    assert run.status is RunStatus.COMPLETED, run.error
    assert run.content == Paid(invoice_number="by its hash")
    assert files_seen(simulated) == [(sha(content),)]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("durable", [True, False])
def test_several_documents_arrive_in_order_also_when_asked_again(
    provider: Any, db: SqliteDb, model: str, durable: bool
) -> None:
    contents = [pdf(150_000 + n, n) for n in range(3)]
    simulated = provider(faults=[Fault(kind="429", calls=(1, 2), seconds=0.01)])
    agent = Agent(id="a", model=model, output_schema=Paid, db=db if durable else None)
    run = agent.run("Read.", files=[File(content=c) for c in contents])
    assert run.status is RunStatus.COMPLETED, run.error
    assert files_seen(simulated) == [tuple(sha(c) for c in contents)] * 3


@pytest.mark.parametrize("model", MODELS)
def test_an_invalid_answer_goes_back_with_the_document(provider: Any, db: SqliteDb, model: str) -> None:
    content, answers = pdf(200_000), iter([{"wrong": 1}, {"invoice_number": "R-7"}])
    simulated = provider(answers=lambda request: next(answers))
    run = Agent(id="a", model=model, output_schema=Paid, db=db).run("Read.", files=[File(content=content)])
    assert run.content == Paid(invoice_number="R-7"), run.error
    assert files_seen(simulated) == [(sha(content),)] * 2


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_and_tools_get_the_document(provider: Any, db: SqliteDb, model: str) -> None:
    content = pdf(200_000)
    simulated = provider(tools=[ToolCall(name="vendor", arguments={"name": "ACME"})])

    def vendor(name: str) -> str:
        """Look a vendor up."""
        return name

    streamed, with_tools = (
        Agent(id="streams", model=model, output_schema=Paid, db=db),
        Agent(id="asks", model=model, output_schema=Paid, tools=[vendor], db=db),
    )
    *_, run = streamed.run("Read.", files=[File(content=content)], stream=True)
    assert isinstance(run, RunOutput)
    assert run.status is RunStatus.COMPLETED, run.error
    run = with_tools.run("Read.", files=[File(content=content)])
    assert run.status is RunStatus.COMPLETED, run.error
    assert files_seen(simulated) == [(sha(content),)] * 3


def test_a_text_that_looks_like_a_mark_is_only_text(provider: Any, db: SqliteDb) -> None:
    simulated = provider()
    text = b"nightdropMark" + b"0" * 35
    agent = Agent(id="a", model=MODELS[0], output_schema=Paid, db=db)
    run = agent.run("Read.", files=[File(content=text, filename="a.txt")])
    assert run.status is RunStatus.COMPLETED, run.error
    assert files_seen(simulated) == [()]


def test_marks_are_cut_out_and_forgotten_with_their_attempt() -> None:
    async def read() -> bytes:
        return b"abc"

    document = Attachment(sha256="", size=3, read=read, mime_type="application/pdf", filename=None)
    with Marks() as marks:
        mark = base64.b64encode(marks.add(document))
        assert pieces(b"<" + mark + b">") == [b"<", document, b">"]
    with pytest.raises(DocumentNotSent):
        pieces(b"<" + mark + b">")


def test_a_mark_of_an_ended_attempt_is_never_sent(provider: Any) -> None:
    from nightdrop.agents.openai_client import DocumentClient

    async def read() -> bytes:
        return b"abc"

    simulated = provider()
    with Marks() as marks:
        document = Attachment(sha256="", size=3, read=read, mime_type="application/pdf", filename=None)
        body = base64.b64encode(marks.add(document))

    async def send() -> None:
        async with DocumentClient() as client:
            await client.post(f"{simulated.environment['OPENAI_BASE_URL']}/chat/completions", content=body)

    with pytest.raises(DocumentNotSent):
        asyncio.run(send())
    assert not simulated.meter.calls


def test_an_image_that_breaks_off_is_refused_before_any_call(provider: Any, tmp_path: Path) -> None:
    """Also where nobody opened it before: a batch takes documents in unread."""
    simulated = provider()
    half = tmp_path / "half.png"
    Image.effect_noise((200, 200), 80).save(half)
    half.write_bytes(half.read_bytes()[:20_000])
    agent = Agent(id="pictures", model=MODELS[1], output_schema=Paid, db=SqliteDb(tmp_path / "pictures.db"))
    with pytest.raises(FileCorrupt):
        agent.run("Read.", files=[half])
    (run,) = agent.batch(tmp_path / "half.png", "Read.").results()
    assert (run.status, run.error and run.error.code) == (RunStatus.ERROR, "file_corrupt")
    assert not simulated.meter.calls
    assert agent.db is not None
    agent.db.close()
