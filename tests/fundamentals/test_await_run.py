"""Waiting for a run and cancelling it from processes that execute nothing."""

from __future__ import annotations

import asyncio
import subprocess
from typing import Any

import pytest

from nightdrop import Agent, NightdropError, RunStatus
from nightdrop.engine import running_engine
from tests.conftest import finished, python, rows_at
from tests.fundamentals.conftest import MESSAGE, document, thaw

ONLOOKER = """
import asyncio, json, sys, threading
from nightdrop import Agent
from nightdrop.schemas import Invoice
from nightdrop.store.place import database_at

agent = Agent(id=sys.argv[2], model="local", output_schema=Invoice, db=database_at(sys.argv[1]))
what, run_id = sys.argv[3:5]
print("ready", flush=True)
if what == "await":
    run = asyncio.run(agent.await_run(run_id, timeout=60))
    print(run.status.value, type(run.content).__name__, run.content.invoice_number)
elif what == "timeout":
    try:
        asyncio.run(agent.await_run(run_id, timeout=0.2))
    except TimeoutError as error:
        print(error)
else:
    print(agent.cancel_run(run_id))
assert "dbos" not in [t.name for t in threading.enumerate()]
from nightdrop.engine import running_engine
assert running_engine(agent.db) is None, "an engine was started"
"""


def onlooker(place: str, agent: Agent, what: str, run_id: str) -> subprocess.Popen[str]:
    return python(ONLOOKER, place, agent.id, what, run_id)


def said(process: subprocess.Popen[str]) -> str:
    code, out, err = finished(process, 60)
    assert code == 0, err
    return out.removeprefix("ready").strip()


async def test_a_run_is_awaited_where_it_executes(agent: Agent) -> None:
    """await_run returns the run once it has ended, its content of the schema's class."""
    run = await agent.arun(MESSAGE, files=[document(1)], background=True)
    ended = await agent.await_run(run.run_id, timeout=60)
    assert (ended.status, ended.content.invoice_number) == (RunStatus.COMPLETED, "INV-00001")
    assert await agent.await_run(run.run_id) == ended


@pytest.mark.usefixtures("frozen_readers")
async def test_waiting_ends_at_the_timeout_and_the_run_goes_on(agent: Agent) -> None:
    """TimeoutError says which run; the run stays open."""
    run = await agent.arun(MESSAGE, files=[document(2)], background=True)
    with pytest.raises(TimeoutError, match=run.run_id):
        await agent.await_run(run.run_id, timeout=0.1)
    assert agent.get_run_output(run.run_id).status.is_open
    thaw()
    assert (await agent.await_run(run.run_id, timeout=60)).status is RunStatus.COMPLETED


async def test_awaiting_an_unknown_run_is_an_error(agent: Agent) -> None:
    """A run_id that is not there does not wait for ever."""
    with pytest.raises(NightdropError, match=r"^run_not_found"):
        await agent.await_run("nothing")


@pytest.mark.usefixtures("frozen_readers")
def test_another_process_waits_without_an_engine(agent: Agent, place: str) -> None:
    """A process that only waits takes no lease and executes nothing, and sees the end of a run elsewhere."""
    run = agent.run(MESSAGE, files=[document(3)], background=True)
    process = onlooker(place, agent, "await", run.run_id)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert rows_at(place, "SELECT count(*) FROM nightdrop_executors") == [(1,)], "this process's lease, and no other"
    assert "has not ended within 0.2 s" in said(onlooker(place, agent, "timeout", run.run_id))
    thaw()
    assert said(process) == "COMPLETED Invoice INV-00003"


@pytest.mark.usefixtures("frozen_readers")
def test_another_process_cancels_without_an_engine(agent: Agent, place: str) -> None:
    """A running run is stopped by the process that has it; False when it has ended."""
    run = agent.run(MESSAGE, files=[document(4)], background=True)
    assert said(onlooker(place, agent, "cancel", run.run_id)) == "True"

    async def end() -> Any:
        return await agent.await_run(run.run_id, timeout=30)

    assert asyncio.run(end()).status is RunStatus.CANCELLED
    assert said(onlooker(place, agent, "cancel", run.run_id)) == "False"


def test_cancelling_without_an_engine_of_a_run_nobody_has(agent: Agent, place: str) -> None:
    """A queued run is CANCELLED at once, and an unknown one is an error."""
    run = agent.run(MESSAGE, files=[document(5)])
    assert agent.db is not None
    agent.db.close()  # the engine of this process ends; the next use opens the database again
    assert agent.cancel_run(run.run_id) is False
    with pytest.raises(NightdropError, match=r"^run_not_found"):
        agent.cancel_run("nothing")
    assert running_engine(agent.db) is None
