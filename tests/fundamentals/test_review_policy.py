"""Review policies: what is doubtful, what comes first, and a sample that measures how good the rest is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nightdrop import Agent, File, NightdropError, ReviewPolicy, RunStatus, UsageError
from nightdrop.rules import Failed
from nightdrop.store import Database
from nightdrop.testing import SimulatedProvider
from tests.conftest import scan_png
from tests.fundamentals.reviewing import FILES, MODEL, RIGHT, Answers, Bill, agents, open_reviews, saying


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


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        (ReviewPolicy(), ["seller", "total"]),
        (ReviewPolicy(fields=["total"]), ["total"]),
        (ReviewPolicy(below=0.1), ["total"]),
        (ReviewPolicy(below=0.97), ["net", "number", "seller", "tax", "total"]),
        (ReviewPolicy(below=0.97, fields=["net", "tax"]), ["net", "tax"]),
    ],
    ids=str,
)
def test_a_policy_says_what_is_doubtful(
    make: Callable[..., Agent], answers: Answers, policy: ReviewPolicy, asked: list[str]
) -> None:
    answers |= {"total": "118.00", "seller": "Invented Ltd"}
    agent = make(f"policy-{policy.below}-{len(policy.fields)}", policy)
    agent.run("Read.", files=FILES)
    assert sorted({review.field for review in open_reviews(agent)}) == asked


def test_failed_rules_are_reasons_unless_the_policy_says_no(make: Callable[..., Agent]) -> None:
    """Every value stands in the document; a rule that names no field asks about the answer as a whole."""

    def never(bill: Bill) -> Any:
        return ["nothing is right", Failed("total is odd", "total")]

    with_rules = make("rules", validators=[never])
    without = make("no-rules", ReviewPolicy(rules=False), validators=[never])
    with_rules.run("Read.", files=FILES)
    reasons = {review.field: review.reasons for review in open_reviews(with_rules)}
    assert reasons == {"": ("nothing is right",), "total": ("total is odd",)}
    assert without.run("Read.", files=FILES).status is RunStatus.COMPLETED


def test_what_would_cost_most_comes_first(make: Callable[..., Agent], answers: Answers) -> None:
    answers |= {"total": "118.00", "seller": "Invented Ltd"}
    agent = make("costs", ReviewPolicy(costs={"seller": 0.1, "total": 100}))
    agent.run("Read.", files=FILES)
    assert [(review.field, review.risk) for review in open_reviews(agent)] == [("total", 75.0), ("seller", 0.075)]
    assert agent.db is not None
    first = agent.db.reviews.next(agent_id=agent.id)
    assert first is not None
    then = agent.db.reviews.next(agent_id=agent.id, after=first.id)
    assert then is not None
    assert (first.field, then.field) == ("total", "seller")
    assert agent.db.reviews.next(agent_id=agent.id, after=then.id) is None


def test_a_scan_is_doubtful_and_a_missing_value_is_not(make: Callable[..., Agent]) -> None:
    agent = make("scan")
    agent.run("Read.", files=[File(content=scan_png())])
    reviews = open_reviews(agent)
    assert {review.field for review in reviews} == {"number", "net", "tax", "total"}
    assert reviews[0].reasons == ("there is no text to search it in",)
    assert {review.risk for review in reviews} == {0.5}


def test_a_sample_stays_completed_and_measures_accuracy(make: Callable[..., Agent], answers: Answers) -> None:
    """Its decisions change nothing in the run; they say how often each field is right."""
    agent = make("sample", ReviewPolicy(sample=1.0))
    runs = [agent.run("Read.", files=FILES) for _ in range(3)]
    assert {run.status for run in runs} == {RunStatus.COMPLETED}
    assert agent.db is not None
    first, second, third = open_reviews(agent)
    assert (first.kind, first.field, first.value) == ("sample", "", RIGHT)
    agent.db.reviews.accept(first.id, reviewer="ann")
    agent.db.reviews.correct(second.id, RIGHT | {"total": "120.00"}, reviewer="ann")
    agent.db.reviews.reject(third.id, reviewer="ann")
    assert [agent.get_run_output(run.run_id) for run in runs] == runs
    measured = {row.field: (row.kind, row.right, row.wrong) for row in agent.db.reviews.accuracy(agent_id="sample")}
    assert measured["total"] == ("sample", 1, 1)
    assert measured["number"] == ("sample", 2, 0)
    assert make("none", ReviewPolicy(sample=0)).run("Read.", files=FILES).status is RunStatus.COMPLETED
    assert len(agent.db.reviews.list(kind="sample", state=None, agent_id="sample")) == 3
    assert agent.db.reviews.list(kind="sample", state=None, agent_id="none") == []


def test_corrections_are_counted_for_accuracy(make: Callable[..., Agent], answers: Answers) -> None:
    answers |= {"total": "118.00", "seller": "Invented Ltd"}
    agent = make("measured")
    agent.run("Read.", files=FILES)
    assert agent.db is not None
    for review in open_reviews(agent):
        if review.field == "total":
            agent.db.reviews.correct(review.id, "119.00", reviewer="ann")
        else:
            agent.db.reviews.accept(review.id, reviewer="ann")
    rows = agent.db.reviews.accuracy(agent_id="measured")
    assert [(row.kind, row.field, row.right, row.wrong) for row in rows] == [
        ("doubt", "seller", 1, 0),
        ("doubt", "total", 0, 1),
    ]


@pytest.mark.parametrize("wrong", [{"below": 2}, {"sample": -1}, {"fields": "total"}, {"costs": {"a": "x"}}])
def test_a_policy_that_means_nothing_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"^bad_argument: ReviewPolicy"):
        ReviewPolicy(**wrong)


def test_a_review_needs_a_database() -> None:
    with pytest.raises(UsageError, match=r"^bad_argument: review="):
        Agent(model=MODEL, output_schema=Bill, review=0.5)  # type: ignore[arg-type]
    agent = Agent(model=MODEL, output_schema=Bill, review=ReviewPolicy())
    with pytest.raises(NightdropError, match=r"^database_required"):
        agent.run("Read.", files=FILES)
