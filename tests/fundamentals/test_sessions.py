"""A session makes a repeated run an upsert: one input under one session has one current run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nightdrop import Agent, File, RunStatus
from nightdrop.schemas import Invoice
from tests.conftest import scan_png
from tests.fundamentals.conftest import MESSAGE, document

CURRENT = "SELECT run_id FROM runs WHERE session_id = 's' AND is_current ORDER BY run_id"
ALL = "SELECT run_id FROM runs WHERE session_id = 's' ORDER BY run_id"


def test_without_a_session_each_run_is_new(agent: Agent, query: Any) -> None:
    """The same document twice gives two runs, each a session of its own; its bytes are kept once."""
    first, second = (agent.run(MESSAGE, files=[document(1)]) for _ in range(2))
    assert first.run_id != second.run_id
    assert first.session_id != second.session_id
    assert query("SELECT count(*) FROM documents") == [(1,)]


def test_the_same_session_and_input_give_the_same_run(agent: Agent, query: Any) -> None:
    """A completed run is returned, not run again: same id, one attempt, one row."""
    first, second = (agent.run(MESSAGE, files=[document(1)], session_id="s") for _ in range(2))
    assert second == first
    assert query("SELECT count(*), max(dispatches) FROM runs") == [(1, 1)]


def test_the_file_name_is_not_part_of_the_input(agent: Agent) -> None:
    """The input is the message and the documents' hashes: another name for the same bytes changes nothing."""
    content = document(1).content
    first = agent.run(MESSAGE, files=[File(content=content, filename="a.txt")], session_id="s")
    second = agent.run(MESSAGE, files=[File(content=content, filename="b.txt")], session_id="s")
    assert first.run_id == second.run_id


@pytest.mark.parametrize("change", ["message", "document", "revision"])
def test_a_changed_input_or_revision_replaces_the_sessions_run(agent: Agent, query: Any, change: str) -> None:
    """A new run becomes the session's current one; the older stays as history and can still be read."""
    old = agent.run(MESSAGE, files=[document(1)], session_id="s")
    if change == "message":
        new = agent.run("Read it again.", files=[document(1)], session_id="s")
    elif change == "document":
        new = agent.run(MESSAGE, files=[document(2)], session_id="s")
    else:
        revised = Agent(id=agent.id, model="local", output_schema=Invoice, instructions="Closely.", db=agent.db)
        assert revised.revision != agent.revision
        new = revised.run(MESSAGE, files=[document(1)], session_id="s")
    assert new.run_id != old.run_id
    assert query(CURRENT) == [(new.run_id,)]
    assert query(ALL) == [(old.run_id,), (new.run_id,)]
    assert agent.get_run_output(old.run_id) == old


def test_retries_and_names_are_not_part_of_the_revision(agent: Agent) -> None:
    """What cannot change an answer does not make the session's run stale."""
    old = agent.run(MESSAGE, files=[document(1)], session_id="s")
    renamed = Agent(id=agent.id, name="Bills", retries=5, model="local", output_schema=Invoice, db=agent.db)
    assert renamed.run(MESSAGE, files=[document(1)], session_id="s").run_id == old.run_id


def test_going_back_to_an_earlier_input_is_a_new_run_again(agent: Agent, query: Any) -> None:
    """Only the session's current run serves; history is not searched."""
    first = agent.run(MESSAGE, files=[document(1)], session_id="s")
    agent.run(MESSAGE, files=[document(2)], session_id="s")
    third = agent.run(MESSAGE, files=[document(1)], session_id="s")
    assert third.run_id != first.run_id
    assert query(CURRENT) == [(third.run_id,)]
    assert len(query(ALL)) == 3


def test_rerun_forces_a_new_run(agent: Agent, query: Any) -> None:
    """rerun=True runs again although the session has its answer."""
    old = agent.run(MESSAGE, files=[document(1)], session_id="s")
    new = agent.run(MESSAGE, files=[document(1)], session_id="s", rerun=True)
    assert new.run_id != old.run_id
    assert query(CURRENT) == [(new.run_id,)]


def test_an_error_is_returned_not_tried_again(agent: Agent) -> None:
    """A session that ended in ERROR answers with that error until someone asks for a retry."""
    scan = File(content=scan_png(), filename="scan.png")
    first, second = (agent.run(MESSAGE, files=[scan], session_id="s") for _ in range(2))
    assert first.status is second.status is RunStatus.ERROR
    assert first.run_id == second.run_id
    assert second.attempts == 1


def test_the_session_belongs_to_one_agent(agent: Agent) -> None:
    """Two agents may use the same session_id without meeting."""
    other = Agent(id="others", model="local", output_schema=Invoice, db=agent.db)
    assert other.run(MESSAGE, files=[document(1)], session_id="s").run_id != (
        agent.run(MESSAGE, files=[document(1)], session_id="s").run_id
    )


async def test_one_session_asked_at_once_is_run_once(agent: Agent, query: Any) -> None:
    """Whoever comes while the run is open joins it: fifty calls, one run, one answer."""
    runs = await asyncio.gather(*[agent.arun(MESSAGE, files=[document(1)], session_id="s") for _ in range(50)])
    assert len({run.run_id for run in runs}) == 1
    assert {run.content.invoice_number for run in runs} == {"INV-00001"}
    assert query("SELECT count(*), max(dispatches) FROM runs") == [(1, 1)]


@pytest.mark.usefixtures("frozen_readers")
def test_a_cancelled_session_starts_anew(agent: Agent, query: Any) -> None:
    """CANCELLED is not an answer: the same call makes a new current run."""
    old = agent.run(MESSAGE, files=[document(1)], session_id="s", background=True)
    assert agent.cancel_run(old.run_id)
    new = agent.run(MESSAGE, files=[document(1)], session_id="s", background=True)
    assert new.run_id != old.run_id
    assert query(CURRENT) == [(new.run_id,)]


@pytest.mark.usefixtures("frozen_readers")
def test_an_open_run_is_joined_not_doubled(agent: Agent) -> None:
    """While the session's run is open, a background call returns it."""
    first, second = (agent.run(MESSAGE, files=[document(1)], session_id="s", background=True).run_id for _ in range(2))
    assert first == second
