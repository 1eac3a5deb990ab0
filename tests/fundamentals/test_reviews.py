"""Reviews: a doubtful run waits for a person, value by value; what is decided is one transaction, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nightdrop import Agent, NightdropError, Review, RunStatus, UsageError
from nightdrop.rules import adds_up
from nightdrop.store import Database
from nightdrop.testing import SimulatedProvider
from tests.conftest import rows_at
from tests.fundamentals.reviewing import FILES, RIGHT, Answers, Bill, agents, open_reviews, saying


@pytest.fixture
def answers() -> Answers:
    """What the model answers; a test changes it."""
    return dict(RIGHT)


@pytest.fixture(autouse=True)
def provider(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> Iterator[SimulatedProvider]:
    """A model that says what the test wants."""
    yield from saying(answers, monkeypatch)


@pytest.fixture
def make(db: Database) -> Callable[..., Agent]:
    """Agents with a review policy."""
    return agents(db)


def test_what_is_not_in_doubt_is_completed_without_anyone(make: Callable[..., Agent]) -> None:
    agent = make("sure")
    run = agent.run("Read.", files=FILES)
    assert (run.status, open_reviews(agent)) == (RunStatus.COMPLETED, [])


def test_a_doubtful_value_pauses_the_run_with_a_review(make: Callable[..., Agent], answers: Answers) -> None:
    """The review has all that a person needs: value, reason, place, what else it may be, what a correction must fit."""
    answers["total"] = "118.00"
    answers["seller"] = "Invented Ltd"
    agent = make("doubtful")
    run = agent.run("Read.", files=FILES)
    assert run.status is RunStatus.PAUSED
    assert run.content == Bill(**answers)
    assert run.pause is not None
    by_field = {review.field: review for review in open_reviews(agent)}
    assert set(by_field) == {"total", "seller"}
    assert set(run.pause.data["reviews"]) == {review.id for review in open_reviews(agent)}
    total = by_field["total"]
    assert (total.run_id, total.kind, total.state, total.value) == (run.run_id, "doubt", "open", "118.00")
    assert total.reasons == ("it stands nowhere in the documents",)
    assert total.candidates[0].value in ("119.00", "119.00 EUR")
    assert (total.file, total.sha256) == ("a.txt", run.input.files[0].sha256)
    assert total.schema["type"] == "string"
    assert total.found == run.fields["total"]
    assert total.risk == 0.75
    assert total.to_json()["page_image"] is None


def test_the_last_acceptance_completes_the_run(make: Callable[..., Agent], answers: Answers) -> None:
    """At once, in the transaction of the decision; nobody is asked again, and no model."""
    answers |= {"total": "118.00", "seller": "Invented Ltd"}
    agent = make("accept")
    run = agent.run("Read.", files=FILES)
    first, second = open_reviews(agent)
    assert agent.db is not None
    accepted = agent.db.reviews.accept(first.id, reviewer="ann", note="seen")
    assert (accepted.state, accepted.reviewer, accepted.note) == ("accepted", "ann", "seen")
    assert accepted.decided_at is not None
    assert agent.get_run_output(run.run_id).status is RunStatus.PAUSED
    agent.db.reviews.accept(second.id, reviewer="bob")
    done = agent.get_run_output(run.run_id)
    assert (done.status, done.content, done.pause) == (RunStatus.COMPLETED, Bill(**answers), None)
    field = done.fields[first.field]
    assert (field.reviewed, field.confidence, field.match) == ("accepted", 1.0, "absent")
    assert done.metrics.model_calls == 1


def test_corrections_complete_the_run_without_asking_the_model(
    make: Callable[..., Agent], answers: Answers, provider: SimulatedProvider, place: str
) -> None:
    """The corrected value is searched in the document, and the rules are asked again."""
    answers["total"] = "118.00"
    agent = make("correct", validators=[adds_up(["net", "tax"], "total")])
    run = agent.run("Read.", files=FILES)
    assert {review.field for review in open_reviews(agent)} == {"net", "tax", "total"}
    assert agent.db is not None
    for review in open_reviews(agent):
        if review.field == "total":
            agent.db.reviews.correct(review.id, "119.00", reviewer="ann")
        else:
            agent.db.reviews.accept(review.id, reviewer="ann")
    done = asyncio.run(agent.await_run(run.run_id, timeout=30))
    assert (done.status, done.content) == (RunStatus.COMPLETED, Bill(**RIGHT))
    total = done.fields["total"]
    assert (total.value, total.reviewed, total.confidence, total.match) == ("119.00", "corrected", 1.0, "exact")
    assert done.fields["net"].reviewed == "accepted"
    assert done.fields["number"].reviewed is None
    assert [check.passed for check in done.checks] == [True]
    assert (done.attempts, len(provider.meter.calls)) == (1, 1)
    (kept,) = rows_at(place, "SELECT decisions FROM nightdrop_runs WHERE run_id = ?", (run.run_id,))
    assert '"corrections": {"total": "119.00"}' in kept[0]


def test_a_rejected_run_is_a_dead_letter_with_its_answer(make: Callable[..., Agent], answers: Answers) -> None:
    """The run's other reviews are withdrawn. The letter can be replayed: that is another attempt."""
    answers |= {"total": "118.00", "seller": "Invented Ltd"}
    agent = make("reject")
    run = agent.run("Read.", files=FILES)
    first, second = open_reviews(agent)
    assert agent.db is not None
    agent.db.reviews.reject(first.id, reviewer="ann", note="not ours")
    ended = agent.get_run_output(run.run_id)
    assert (ended.status, str(ended.error)) == (
        RunStatus.ERROR,
        f"review_rejected: ann rejected {first.field}: not ours",
    )
    assert (ended.content, ended.fields) == (None, {})
    assert agent.db.reviews.get(second.id).state == "withdrawn"
    (letter,) = agent.db.dead_letters.list(agent_id=agent.id)
    assert (letter.code, letter.run_id) == ("review_rejected", run.run_id)
    assert "118.00" in (letter.raw_answer or "")
    answers |= RIGHT
    agent.db.dead_letters.replay(letter.id)
    again = asyncio.run(agent.await_run(run.run_id, timeout=30))
    assert (again.status, again.attempts) == (RunStatus.COMPLETED, 2)


def test_a_correction_must_fit(make: Callable[..., Agent], answers: Answers) -> None:
    """The schema is asked at once; what only the class knows comes back as the same review, with the reason."""
    answers["number"] = "R-8"
    agent = make("fits")
    run = agent.run("Read.", files=FILES)
    (review,) = open_reviews(agent)
    assert agent.db is not None
    with pytest.raises(UsageError, match=r"^correction_invalid: 7 is no value of number"):
        agent.db.reviews.correct(review.id, 7, reviewer="ann")
    agent.db.reviews.correct(review.id, "X-7", reviewer="ann")
    back = asyncio.run(agent.await_run(run.run_id, timeout=30))
    assert (back.status, back.content) == (RunStatus.PAUSED, Bill(**answers))
    (again,) = open_reviews(agent)
    assert again.id == review.id
    assert "not one of our numbers" in again.reasons[-1]
    agent.db.reviews.correct(review.id, "R-7", reviewer="ann")
    done = asyncio.run(agent.await_run(run.run_id, timeout=30))
    assert (done.status, done.content) == (RunStatus.COMPLETED, Bill(**RIGHT))


def test_two_reviewers_cannot_both_decide(make: Callable[..., Agent], answers: Answers) -> None:
    """Of many at once one wins; the others are told who did."""
    answers["total"] = "118.00"
    agent = make("once")
    agent.run("Read.", files=FILES)
    (review,) = open_reviews(agent)
    assert agent.db is not None
    desk = agent.db.reviews

    def decide(number: int) -> Any:
        try:
            return desk.accept(review.id, reviewer=f"r{number}")
        except UsageError as error:
            return error

    with ThreadPoolExecutor(6) as pool:
        ended = list(pool.map(decide, range(6)))
    refused = [e for e in ended if isinstance(e, UsageError)]
    (won,) = [e for e in ended if isinstance(e, Review)]
    assert {(e.code, e.http_status) for e in refused} == {("review_decided", 409)}
    assert all(f"by {won.reviewer}" in e.message for e in refused)
    assert len(refused) == 5


def test_the_last_two_decisions_at_once_complete_the_run(make: Callable[..., Agent], answers: Answers) -> None:
    """Neither may believe that the other one is still to come."""
    answers |= {"total": "118.00", "seller": "Invented Ltd"}
    agent = make("both")
    runs = [agent.run("Read.", files=FILES) for _ in range(5)]
    assert agent.db is not None
    desk = agent.db.reviews
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda review: desk.accept(review.id, reviewer="x"), open_reviews(agent)))
    assert {agent.get_run_output(run.run_id).status for run in runs} == {RunStatus.COMPLETED}


def test_a_run_in_review_is_not_continued_by_an_answer(make: Callable[..., Agent], answers: Answers) -> None:
    answers["total"] = "118.00"
    agent = make("continue")
    run = agent.run("Read.", files=FILES)
    with pytest.raises(UsageError, match=r"^run_in_review: .*nightdrop reviews list --run"):
        agent.continue_run(run.run_id, "yes")
    assert agent.get_run_output(run.run_id).status is RunStatus.PAUSED


def test_a_cancelled_or_replaced_run_waits_for_nobody(make: Callable[..., Agent], answers: Answers) -> None:
    answers["total"] = "118.00"
    agent = make("cancel")
    run = agent.run("Read.", files=FILES)
    older = agent.run("Read.", files=FILES, session_id="s")
    first, second = open_reviews(agent)
    agent.cancel_run(run.run_id)
    newer = agent.run("Read.", files=FILES, session_id="s", rerun=True)
    assert {review.run_id for review in open_reviews(agent)} == {newer.run_id}
    assert agent.get_run_output(older.run_id).status is RunStatus.PAUSED
    assert agent.db is not None
    (gone,) = [review for review in (first, second) if review.run_id == run.run_id]
    with pytest.raises(UsageError, match=r"^review_outdated: .*CANCELLED"):
        agent.db.reviews.accept(gone.id, reviewer="ann")
    with pytest.raises(NightdropError, match=r"^review_not_found"):
        agent.db.reviews.accept("nothing", reviewer="ann")


def test_the_answer_as_a_whole_is_corrected_as_a_whole(make: Callable[..., Agent]) -> None:
    agent = make("whole", validators=[lambda bill: None if bill.seller else "who sells?"])
    run = agent.run("Read.", files=FILES)
    (review,) = open_reviews(agent)
    assert (review.field, review.value) == ("", RIGHT)
    assert agent.db is not None
    agent.db.reviews.correct(review.id, RIGHT | {"seller": "Teahouse"}, reviewer="ann")
    done = asyncio.run(agent.await_run(run.run_id, timeout=30))
    assert (done.status, done.content) == (RunStatus.COMPLETED, Bill(**(RIGHT | {"seller": "Teahouse"})))
    assert done.fields["seller"].reviewed == "corrected"
    assert done.checks[0].passed
