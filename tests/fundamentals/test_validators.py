"""Validators: what an answer must keep. A failed one lowers confidence, and may ask the model again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from nightdrop import Agent, Check, File, RunStatus, UsageError
from nightdrop.rules import Failed, adds_up, one_of
from nightdrop.store import Database
from nightdrop.testing import ModelRequest, SimulatedProvider
from tests.conftest import finished, nightdrop

MODEL = "openai-chat:gpt-4o-mini"
FILES = [File(content=b"Net 100.00\nTax 19.00\nTotal 119.00\nOther 118.00\nEUR\n", filename="a.txt")]
RIGHT = {"net": 100.0, "tax": 19.0, "total": 119.0, "currency": "EUR"}
WRONG = RIGHT | {"total": 118.0}


class Bill(BaseModel):
    """An invoice."""

    net: float
    tax: float
    total: float
    currency: str


@pytest.fixture
def answers() -> list[Any]:
    """What the model answers, the last one again and again; a test fills it."""
    return []


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, answers: list[Any]) -> Iterator[SimulatedProvider]:
    """A model that answers what the test wants, in order."""
    asked: list[ModelRequest] = []

    def answer(request: ModelRequest) -> Any:
        asked.append(request)
        return answers[min(len(asked), len(answers)) - 1]

    with SimulatedProvider(answers=answer) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def test_a_failed_rule_is_kept_with_the_result_and_lowers_its_fields(
    db: Database, place: str, provider: SimulatedProvider, answers: list[Any]
) -> None:
    """Every value stands in the document, and still does not agree: at most 0.3. The others stay as they are."""
    answers.append(WRONG)
    rules = [adds_up(["net", "tax"], "total"), one_of("currency", ["EUR"])]
    agent = Agent(id="rules", model=MODEL, output_schema=Bill, validators=rules, db=db)
    run = agent.run("Read.", files=FILES)
    assert run.status is RunStatus.COMPLETED
    assert {path: field.confidence for path, field in run.fields.items()} == {
        "net": 0.3,
        "tax": 0.3,
        "total": 0.3,
        "currency": 0.95,
    }
    message = "net 100.0 + tax 19.0 is 119.0, not total 118.0"
    assert run.checks == (
        Check(rule=rules[0].name, passed=False, message=message, fields=("net", "tax", "total")),
        Check(rule=rules[1].name, passed=True),
    )
    assert agent.get_run_output(run.run_id).checks == run.checks
    assert len(provider.meter.calls) == 1
    code, out, err = finished(nightdrop("runs", "show", run.run_id, "--evidence", "--db", place))
    assert code == 0, err
    assert f"wrong      {message}" in out
    assert "right      one_of" in out


def test_a_rule_may_ask_the_model_once_more(provider: SimulatedProvider, answers: list[Any]) -> None:
    """The model is told what is wrong; its second answer counts."""
    answers += [WRONG, RIGHT]
    rule = adds_up(["net", "tax"], "total", ask_again=True)
    run = Agent(id="again", model=MODEL, output_schema=Bill, validators=[rule]).run("Read.", files=FILES)
    assert (run.content, run.metrics.model_calls) == (Bill(**RIGHT), 2)
    assert run.checks == (Check(rule=rule.name, passed=True),)


def test_it_is_asked_again_once_and_not_more(provider: SimulatedProvider, answers: list[Any]) -> None:
    answers.append(WRONG)
    rule = adds_up(["net", "tax"], "total", ask_again=True)
    run = Agent(id="once", model=MODEL, output_schema=Bill, validators=[rule]).run("Read.", files=FILES)
    assert (run.status, run.metrics.model_calls) == (RunStatus.COMPLETED, 2)
    assert not run.checks[0].passed


def test_a_second_answer_that_is_invalid_does_not_lose_the_first(
    provider: SimulatedProvider, answers: list[Any]
) -> None:
    answers += [WRONG, {"nothing": True}]
    rule = adds_up(["net", "tax"], "total", ask_again=True)
    run = Agent(id="keeps", model=MODEL, output_schema=Bill, validators=[rule], retries=0).run("Read.", files=FILES)
    assert (run.status, run.content) == (RunStatus.COMPLETED, Bill(**WRONG))
    assert not run.checks[0].passed


def test_an_agent_with_tools_is_asked_again_too(provider: SimulatedProvider, answers: list[Any]) -> None:
    def rate() -> float:
        """The tax rate."""
        return 0.19

    answers += [WRONG, RIGHT]
    rule = adds_up(["net", "tax"], "total", ask_again=True)
    agent = Agent(id="tools", model=MODEL, output_schema=Bill, validators=[rule], tools=[rate])
    assert agent.run("Read.", files=FILES).content == Bill(**RIGHT)


def returns(value: Any) -> Any:
    def validator(bill: Bill) -> Any:
        assert isinstance(bill, Bill)
        if isinstance(value, Exception):
            raise value
        return value

    return validator


async def later(bill: Bill) -> str:
    return f"later {bill.currency}"


@pytest.mark.parametrize(
    ("validator", "said"),
    [
        (returns(None), []),
        (returns(True), []),
        (returns([]), []),
        (returns("no good"), [("no good", ())]),
        (returns(Failed("no good", "net")), [("no good", ("net",))]),
        (returns([Failed("one", "net"), "two"]), [("one", ("net",)), ("two", ())]),
        (returns(Failed("raised", "net", "tax")), [("raised", ("net", "tax"))]),
        (returns(ValueError("bad")), [("bad", ())]),
        (returns(KeyError("x")), [("it could not be checked: KeyError: 'x'", ())]),
        (later, [("later EUR", ())]),
    ],
)
@pytest.mark.usefixtures("provider")
def test_a_plain_function_is_a_validator(answers: list[Any], validator: Any, said: list[Any]) -> None:
    """It gets the content as the schema's class. It returns or raises what is wrong; one that breaks proves nothing."""
    answers.append(RIGHT)
    run = Agent(id="plain", model=MODEL, output_schema=Bill, validators=[validator]).run("Read.", files=FILES)
    assert run.status is RunStatus.COMPLETED
    assert [(check.message, check.fields) for check in run.checks if not check.passed] == said
    assert all(field.confidence == (0.3 if path in str(said) else 0.95) for path, field in run.fields.items())


def test_false_names_the_function(provider: SimulatedProvider, answers: list[Any]) -> None:
    answers.append(RIGHT)
    run = Agent(id="false", model=MODEL, output_schema=Bill, validators=[returns(False)]).run("Read.", files=FILES)
    assert (run.checks[0].message or "").endswith("validator says no")


def test_the_local_reader_is_checked_too(db: Database) -> None:
    schema = {"type": "object", "properties": {"invoice_number": {"type": "string"}}}
    rule = one_of("invoice_number", ["R-8"])
    agent = Agent(id="local", model="local", output_schema=schema, validators=[rule], db=db)
    run = agent.run("", files=[File(content=b"Invoice number: R-7\n", filename="a.txt")])
    assert (run.fields["invoice_number"].confidence, run.checks[0].passed) == (0.3, False)


def test_validators_are_part_of_the_revision() -> None:
    def agent(*validators: Any) -> Agent:
        return Agent(id="same", model=MODEL, output_schema=Bill, validators=validators)

    revisions = {a.revision for a in (agent(), agent(later), agent(one_of("a", [1])), agent(one_of("a", [2])))}
    assert len(revisions) == 4
    assert agent(one_of("a", [1])).revision == agent(one_of("a", [1], ask_again=True)).revision


@pytest.mark.parametrize("wrong", [one_of("a", [1]), ["net > 0"], 3])
def test_what_is_no_validator_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"^bad_argument: validators="):
        Agent(id="wrong", model=MODEL, output_schema=Bill, validators=wrong)


def test_checks_are_json(provider: SimulatedProvider, answers: list[Any]) -> None:
    answers.append(WRONG)
    rule = adds_up(["net", "tax"], "total")
    run = Agent(id="json", model=MODEL, output_schema=Bill, validators=[rule]).run("Read.", files=FILES)
    (check,) = json.loads(json.dumps(run.to_json()))["checks"]
    assert (check["passed"], check["fields"]) == (False, ["net", "tax", "total"])


def test_a_function_is_asked_once_for_each_answer(provider: SimulatedProvider, answers: list[Any]) -> None:
    """It may be slow, or count: with a second answer it is asked about both."""
    heard: list[float] = []

    def total(bill: Bill) -> None:
        heard.append(bill.total)
        if bill.total == WRONG["total"]:
            raise Failed("wrong", "total", ask_again=True)

    answers += [WRONG, RIGHT]
    agent = Agent(id="counts", model=MODEL, output_schema=Bill, validators=[total])
    agent.run("Read.", files=FILES)
    assert heard == [118.0, 119.0]
    agent.run("Read.", files=FILES)
    assert heard == [118.0, 119.0, 119.0]
