"""`nightdrop runs continue`: a person answers on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from nightdrop import Agent, File, RunStatus, pause
from nightdrop.store.place import database_at
from nightdrop.testing import SimulatedProvider, ToolCall
from tests.conftest import finished, nightdrop


class Paid(BaseModel):
    """An invoice of one field."""

    invoice_number: str


HEARD: list[Any] = []


def approve(amount: int) -> str:
    """Ask whether an amount may be paid."""
    HEARD.append(pause("Approve?", amount=amount))
    return "asked"


@pytest.fixture
def agent(place: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """An agent whose model wants one approval."""
    tools = [ToolCall(name="approve", arguments={"amount": 500})]
    with SimulatedProvider(answers=lambda _: {"invoice_number": "R-7"}, tools=tools) as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        db = database_at(place)
        yield Agent(id="asking", model="openai-chat:gpt-4o-mini", output_schema=Paid, tools=[approve], db=db)
        db.close()


def said(*args: str | Path, code: int = 0) -> str:
    ended, out, err = finished(nightdrop("runs", *args))
    assert ended == code, err
    return out if code == 0 else err


@pytest.mark.parametrize(
    ("given", "heard"), [('{"ok": true}', {"ok": True}), ("yes, please", "yes, please"), ('"3"', "3"), ("3", 3)]
)
async def test_a_person_sees_the_question_and_answers(agent: Agent, place: str, given: str, heard: Any) -> None:
    run = await agent.arun("Read.", files=[File(content=b"Invoice R-7", filename="a.txt")])
    shown = said("show", run.run_id, "--db", place)
    assert 'Approve? {"amount": 500}' in shown
    assert f"nightdrop runs continue {run.run_id} --answer" in shown
    assert json.loads(said("show", run.run_id, "--db", place, "--json"))["pause"]["question"] == "Approve?"
    answered = json.loads(said("continue", run.run_id, "--answer", given, "--db", place, "--json"))
    assert (answered["run_id"], answered["pause"]) == (run.run_id, None)
    assert (await agent.await_run(run.run_id, timeout=30)).status is RunStatus.COMPLETED
    assert HEARD[-1] == heard
    assert "run_not_paused" in said("continue", run.run_id, "--answer", given, "--db", place, code=2)
    assert "run_not_found" in said("continue", "nothing", "--answer", given, "--db", place, code=2)
