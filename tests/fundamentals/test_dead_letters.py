"""What failed is kept with its reason, and tried again when a person says so."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import pytest
from pydantic import BaseModel, model_validator

from nightdrop import Agent, DeadLetter, DeadLetterState, File, NightdropError, RunStatus
from nightdrop.store import Database
from tests.fundamentals.conftest import MESSAGE, document, until


class Moody(BaseModel):
    """An invoice whose check refuses everything until it is told not to."""

    refuses: ClassVar[bool] = True
    invoice_number: str | None = None
    total: Decimal | None = None

    @model_validator(mode="after")
    def check(self) -> Moody:
        if self.refuses:
            raise ValueError("not today")
        return self


@pytest.fixture
def moody(db: Database) -> Iterator[Agent]:
    """An agent that fails until `Moody.refuses` is False."""
    yield Agent(id=f"moody-{uuid.uuid4().hex[:8]}", model="local", output_schema=Moody, db=db)
    Moody.refuses = True


def test_a_letter_says_what_happened(db: Database, moody: Agent) -> None:
    """Reason, code, attempt, document: and it can be given to somebody with a note."""
    run = moody.run(MESSAGE, files=[document(1)])
    (letter,) = db.dead_letters.list(agent_id=moody.id)
    assert (letter.run_id, letter.code, letter.attempts) == (run.run_id, "answer_invalid", 1)
    assert (letter.sha256, letter.state) == (run.input.hashes[0], "open")
    assert "not today" in letter.message
    assigned = db.dead_letters.assign(letter.id, assignee="ann", note="ask the sender")
    assert (assigned.assignee, assigned.note) == ("ann", "ask the sender")
    assert db.dead_letters.assign(letter.id, note="").assignee == "ann"
    assert db.dead_letters.get(letter.id).note is None


def test_replay_is_a_new_attempt_of_the_same_run(db: Database, moody: Agent) -> None:
    """The run gets its second attempt; the letter stays, marked replayed, and cannot be replayed again."""
    run = moody.run(MESSAGE, files=[document(2)])
    (letter,) = db.dead_letters.list(agent_id=moody.id)
    Moody.refuses = False
    (outcome,) = db.dead_letters.replay(letter.id)
    assert (outcome.run_id, outcome.attempt, outcome.error) == (run.run_id, 2, None)
    again = until(lambda: (now := moody.get_run_output(run.run_id)).status is RunStatus.COMPLETED and now)
    assert again.attempts == 2
    assert db.dead_letters.get(letter.id).state is DeadLetterState.REPLAYED
    with pytest.raises(NightdropError, match="COMPLETED at attempt 2") as refused:
        db.dead_letters.replay(letter.id)
    assert refused.value.code == "dead_letter_outdated"


async def test_replay_by_filter_takes_each_letter_once(db: Database, moody: Agent) -> None:
    """What fails again meanwhile is a new letter, not replayed in the same go."""
    for n in range(5):
        await moody.arun(MESSAGE, files=[document(10 + n)])
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert await db.dead_letters.areplay_all(agent_id=moody.id, code="rate_limited") == []
    outcomes = await db.dead_letters.areplay_all(agent_id=moody.id, code="answer_invalid", since=yesterday)
    assert [(o.attempt, o.error) for o in outcomes] == [(2, None)] * 5


def test_a_run_replaced_by_a_newer_one_is_not_replayed(db: Database, moody: Agent) -> None:
    """The session went on with another document: the old run would be paid for nothing."""
    moody.run(MESSAGE, files=[document(20)], session_id="s")
    Moody.refuses = False
    moody.run(MESSAGE, files=[document(21)], session_id="s")
    (letter,) = db.dead_letters.list(agent_id=moody.id)
    (outcome, other) = db.dead_letters.replay([letter.id, *[x.id for x in _another(db, moody)]])
    assert outcome.error is not None
    assert outcome.error.code == "dead_letter_outdated"
    assert "replaced" in outcome.error.message
    assert other.error is None


def _another(db: Database, agent: Agent) -> list[DeadLetter]:
    Moody.refuses = True
    run = agent.run(MESSAGE, files=[document(22)])
    Moody.refuses = False
    return [letter for letter in db.dead_letters.list(agent_id=agent.id) if letter.run_id == run.run_id]


def test_without_bytes_there_is_nothing_to_replay(db: Database, agent: Agent) -> None:
    """A file that could not be read has no bytes in the store: hand it in again."""
    agent.batch([File(filepath="no/such.pdf")], MESSAGE).wait(timeout=60)
    (letter,) = db.dead_letters.list(agent_id=agent.id)
    assert letter.sha256 is None
    with pytest.raises(NightdropError, match="hand it in again") as refused:
        db.dead_letters.replay(letter.id)
    assert refused.value.code == "dead_letter_without_bytes"
    assert db.dead_letters.get(letter.id).state is DeadLetterState.OPEN


def test_a_discarded_letter_is_kept(db: Database, moody: Agent) -> None:
    """discard says how many were open; listing shows open ones unless asked."""
    moody.run(MESSAGE, files=[document(30)])
    moody.run(MESSAGE, files=[document(31)])
    first, second = db.dead_letters.list(agent_id=moody.id)
    assert db.dead_letters.discard(first.id) == 1
    assert db.dead_letters.discard([first.id, second.id]) == 1
    assert db.dead_letters.discard_all(agent_id=moody.id) == 0
    assert db.dead_letters.list(agent_id=moody.id) == []
    assert len(db.dead_letters.list(agent_id=moody.id, state="discarded")) == 2
    with pytest.raises(NightdropError, match="dead_letter_not_found"):
        db.dead_letters.discard("nothing")
