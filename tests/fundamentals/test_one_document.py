"""One document in, typed data out."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, File, NightdropError, RunFailed, RunStatus, SqliteDb
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text, scan_png
from tests.fundamentals.conftest import MESSAGE, document


def test_a_run_gives_an_instance_of_the_schema(plain_agent: Agent, tmp_path: Path) -> None:
    """`run` reads the file and returns once the content is an instance of the output schema."""
    path = tmp_path / "a.txt"
    path.write_text(invoice_text(7))
    run = plain_agent.run(MESSAGE, files=[File(filepath=path)])
    assert run.status is RunStatus.COMPLETED
    assert isinstance(run.content, Invoice)
    assert run.content.invoice_number == "INV-00007"
    assert run.content.date == date(2026, 3, 8)
    assert run.content.total == Decimal("107.00")


def test_every_value_says_where_it_stands_and_how_sure_it_is(plain_agent: Agent) -> None:
    """`fields` maps a dotted path to the value, its confidence and the text it was read from."""
    found = plain_agent.run(files=[document(3)]).fields["invoice_number"]
    assert found.value == "INV-00003"
    assert found.confidence is not None
    assert 0.5 < found.confidence <= 0.85
    assert "INV-00003" in (found.evidence or "")


def test_a_run_says_what_went_in_and_when(agent: Agent) -> None:
    """A run names its message, its documents by hash, and three times in UTC that are in order."""
    before = datetime.now(UTC).replace(microsecond=0)
    run = agent.run(MESSAGE, files=[document(1)], user_id="ann", metadata={"drop": 9})
    assert (run.agent_id, run.user_id, run.metadata, run.attempts) == (agent.id, "ann", {"drop": 9}, 1)
    assert run.input.message == MESSAGE
    assert [len(h or "") for h in run.input.hashes] == [64]
    assert run.created_at is not None
    assert run.started_at is not None
    assert run.completed_at is not None
    assert before <= run.created_at <= run.started_at <= run.completed_at


def test_the_local_model_costs_nothing_and_says_so(agent: Agent) -> None:
    """A cost is a decimal, 0 only because this model is free, and 0 again when the run is read back."""
    run = agent.run(files=[document(1)])
    for one in (run, agent.get_run_output(run.run_id)):
        assert one.metrics.cost == Decimal(0)
        assert one.metrics.duration is not None
        assert one.metrics.duration >= 0


def test_without_a_database_nothing_is_stored(plain_agent: Agent, tmp_path: Path, monkeypatch: Any) -> None:
    """An agent without db works and leaves no file behind."""
    monkeypatch.chdir(tmp_path)
    assert plain_agent.run(files=[document(1)]).status is RunStatus.COMPLETED
    assert list(tmp_path.iterdir()) == []


def test_with_a_database_the_run_can_be_read_again(agent: Agent) -> None:
    """`get_run_output` takes the run_id alone and gives the same run, its content as the schema's class."""
    run = agent.run(MESSAGE, files=[document(5)])
    again = agent.get_run_output(run.run_id)
    assert again == run
    assert isinstance(again.content, Invoice)
    assert again.fields["total"].value == "105.00"


async def test_a_run_can_be_read_again_from_async_code(agent: Agent) -> None:
    """`aget_run_output` is the same for async code; a session_id may be given and changes nothing."""
    run = await agent.arun(MESSAGE, files=[document(5)])
    assert await agent.aget_run_output(run.run_id, run.session_id) == run


def test_another_process_reads_the_run_by_its_id(agent: Agent, place: str) -> None:
    """The run_id is all that a second process needs, while the first one still has the database open."""
    run = agent.run(MESSAGE, files=[document(5)])
    code = f"""
        from nightdrop import Agent
        from nightdrop.schemas import Invoice
        from nightdrop.store.place import database_at
        import json

        agent = Agent(id="any", model="local", output_schema=Invoice, db=database_at({place!r}))
        run = agent.get_run_output({run.run_id!r})
        print(json.dumps([type(run.content).__name__, run.status, str(run.content.total), run.session_id]))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert json.loads(done.stdout) == ["Invoice", "COMPLETED", "105.00", run.session_id]


def test_an_unknown_run_id_is_an_error(agent: Agent) -> None:
    """A run_id that never existed raises run_not_found and names the database."""
    with pytest.raises(NightdropError, match=r"^run_not_found: .*(nightdrop\.db|postgresql://)"):
        agent.get_run_output("01a2078a-0000-7000-8000-000000000000")


def test_a_json_schema_gives_a_dict(db: SqliteDb) -> None:
    """Without a pydantic class the content is plain data, valid against the JSON schema."""
    schema = {
        "title": "Number only",
        "type": "object",
        "properties": {"invoice_number": {"type": ["string", "null"], "description": "Invoice number"}},
    }
    agent = Agent(model="local", output_schema=schema, db=db)
    run = agent.run(files=[document(4)])
    assert run.content == {"invoice_number": "INV-00004"}
    assert agent.get_run_output(run.run_id).content == run.content


@pytest.mark.parametrize("stored", [False, True], ids=["without db", "with db"])
def test_a_failure_is_a_status_not_an_exception(agent: Agent, plain_agent: Agent, stored: bool) -> None:
    """What goes wrong during the run is status ERROR with a code; raise_for_status() raises it."""
    blank = File(content=scan_png(), filename="scan.png")
    run = (agent if stored else plain_agent).run(files=[blank])
    assert run.status is RunStatus.ERROR
    assert run.error is not None
    assert run.content is None
    assert run.error.code == "no_text"
    assert str(run.error) == f"no_text: {run.error.message}"
    with pytest.raises(RunFailed, match=r"^no_text: "):
        run.raise_for_status()


def test_sync_calls_work_inside_a_running_event_loop(agent: Agent) -> None:
    """`run` may be called where an event loop runs already, as in a notebook."""
    import asyncio

    async def cell() -> RunStatus:
        return agent.run(files=[document(1)]).status

    assert asyncio.run(cell()) is RunStatus.COMPLETED


def test_the_same_agent_serves_several_threads(agent: Agent) -> None:
    """`run` is safe from any thread."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as threads:
        runs = list(threads.map(lambda n: agent.run(files=[document(n)]), range(24)))
    assert [run.content.invoice_number for run in runs] == [f"INV-{n:05}" for n in range(24)]


def test_files_are_read_when_the_run_is_accepted(agent: Agent, tmp_path: Path) -> None:
    """A file that changes or vanishes later does not change the run: its bytes are kept by hash."""
    path = tmp_path / "a.txt"
    path.write_text(invoice_text(1))
    run = agent.run(files=[path])
    path.unlink()
    with agent.db.read() as connection:  # type: ignore[union-attr]
        from nightdrop.store.load import load_work

        work = load_work(connection, run.run_id)
    assert work is not None
    assert agent.db.blobs.read(work.documents[0][1].location) == invoice_text(1).encode()  # type: ignore[union-attr]
