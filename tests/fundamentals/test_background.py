"""Background runs: accepted is durable, and the run_id is enough to find it."""

from __future__ import annotations

from typing import Any

import pytest

from nightdrop import Agent, NightdropError, RunFailed, RunStatus, UsageError
from tests.fundamentals.conftest import MESSAGE, document, until


def test_a_background_run_returns_at_once_and_ends_by_itself(agent: Agent) -> None:
    """background=True returns once the row is committed; the run ends without anyone waiting for it."""
    run = agent.run(MESSAGE, files=[document(1)], background=True)
    assert run.status in (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.COMPLETED)
    ended = until(lambda: (now := agent.get_run_output(run.run_id)).status is RunStatus.COMPLETED and now)
    assert ended.content.invoice_number == "INV-00001"


@pytest.mark.usefixtures("frozen_readers")
def test_an_accepted_run_is_in_the_database_before_its_id_is_known(agent: Agent, query: Any) -> None:
    """When `run` returns, row and bytes are committed: anyone can see them."""
    run = agent.run(MESSAGE, files=[document(1)], background=True)
    assert run.status.is_open
    assert run.content is None
    assert query("SELECT status FROM runs WHERE run_id = ?", run.run_id)[0][0] in ("PENDING", "RUNNING")
    assert query("SELECT count(*) FROM documents") == [(1,)]


@pytest.mark.usefixtures("frozen_readers")
def test_a_background_run_can_be_cancelled(agent: Agent) -> None:
    """cancel_run says True for an open run, which ends as CANCELLED; False when it had ended."""
    run = agent.run(MESSAGE, files=[document(1)], background=True)
    assert agent.cancel_run(run.run_id)
    ended = until(lambda: (now := agent.get_run_output(run.run_id)).status is RunStatus.CANCELLED and now)
    assert not agent.cancel_run(run.run_id)
    with pytest.raises(RunFailed, match=r"^cancelled: "):
        ended.raise_for_status()


def test_a_finished_run_is_not_cancelled(agent: Agent) -> None:
    """cancel_run on a completed run answers False and changes nothing."""
    run = agent.run(MESSAGE, files=[document(1)])
    assert not agent.cancel_run(run.run_id)
    assert agent.get_run_output(run.run_id) == run


def test_cancelling_an_unknown_run_is_an_error(agent: Agent) -> None:
    """A run_id that is not there is not silently ignored."""
    with pytest.raises(NightdropError, match=r"^run_not_found"):
        agent.cancel_run("nothing")


@pytest.mark.parametrize(
    "call",
    [
        lambda agent: agent.run(files=[document(1)], background=True),
        lambda agent: agent.batch([document(1)]),
        lambda agent: agent.get_run_output("x"),
        lambda agent: agent.cancel_run("x"),
    ],
    ids=["background", "batch", "get_run_output", "cancel_run"],
)
def test_what_needs_a_database_says_so(plain_agent: Agent, call: Any) -> None:
    """Without db these raise database_required and show how to give one."""
    with pytest.raises(UsageError, match=r"^database_required: .*db=SqliteDb\("):
        call(plain_agent)
