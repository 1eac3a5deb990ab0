"""Workflows: steps over a run's documents, one after the other, at the same time, or as something decides."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from nightdrop import (
    Agent,
    Condition,
    Loop,
    Parallel,
    Router,
    RunEvent,
    RunOutput,
    RunStatus,
    Step,
    StepInput,
    StepOutput,
    Steps,
    UsageError,
    Workflow,
)
from nightdrop.schemas import Invoice
from nightdrop.store.place import database_at
from tests.fundamentals.conftest import document
from tests.postgres import new_database


@pytest.fixture(scope="module", params=["in memory", "sqlite", "postgres"])
def anywhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Makes workflows with an id of this test's own, without a database and with one of either kind."""
    if request.param == "in memory":
        yield lambda *steps: Workflow(id=f"w-{uuid.uuid4().hex[:8]}", steps=list(steps))
        return
    path = str(tmp_path_factory.mktemp("db") / "anywhere.db")
    database = database_at(path if request.param == "sqlite" else new_database())
    yield lambda *steps: Workflow(id=f"w-{uuid.uuid4().hex[:8]}", steps=list(steps), db=database)
    database.close()


def one(given: StepInput) -> int:
    """A step that gives a number."""
    return 1


def add(given: StepInput) -> int:
    """A step that counts on."""
    return int(given.previous_step_content) + 1


def shout(given: StepInput) -> str:
    """A step that uses the message."""
    return given.input.upper()


def test_functions_agents_and_workflows_are_steps(anywhere: Any) -> None:
    """Plain functions, agents and workflows need no wrapping; the content is the last step's."""
    reader = Agent(id="reader", model="local", output_schema=Invoice)

    def total(given: StepInput) -> Decimal:
        assert isinstance(given.previous_step_content, Invoice)
        return given.previous_step_content.total or Decimal(0)

    inner = Workflow(id="inner", steps=[total])
    workflow = anywhere(reader, inner)
    run = workflow.run("Read.", files=[document(7)])
    assert (run.status, run.content) == (RunStatus.COMPLETED, Decimal("107.00"))
    assert (run.workflow_id, run.agent_id, run.attempts) == (workflow.id, None, 1)
    assert [(s.path, s.kind) for s in run.steps] == [("reader", "agent"), ("inner/total", "function")]


def test_state_and_files_pass_through(anywhere: Any) -> None:
    """What a step puts into the state the next ones find; a document is read where it is needed."""

    def put(given: StepInput) -> None:
        given.state["size"] = len(given.files[0].read())

    async def get(given: StepInput) -> list[int]:
        return [given.state["size"], len(await given.files[0].aread()), given.files[0].size]

    run = anywhere(put, get).run("x", files=[document(1)])
    assert len(set(run.content)) == 1, run.error
    assert run.input.files[0].filename == "invoice-00001.txt"


def test_steps_see_earlier_outputs_by_name(anywhere: Any) -> None:
    """Not only the one before; a name that has not run is None."""

    def together(given: StepInput) -> list[Any]:
        return [given.get_step_content(name) for name in ("one", "add", "group", "never")]

    def outputs(given: StepInput) -> list[str]:
        return [*given.previous_step_outputs, given.get_step_output("one").name]  # type: ignore[union-attr]

    run = anywhere(one, Steps([add, Step("more", executor=add)], name="group"), together).run("x")
    assert run.content == [1, 2, 3, None]
    assert anywhere(one, outputs).run("x").content == ["one", "one"]


def test_branches_run_at_the_same_time_and_keep_their_results_by_name(anywhere: Any) -> None:
    """Sync functions too: two of them meet. What each gives is kept under its name."""
    meeting = threading.Barrier(2, timeout=20)

    def left(given: StepInput) -> str:
        meeting.wait()
        return "l"

    def right(given: StepInput) -> str:
        meeting.wait()
        return "r"

    def after(given: StepInput) -> list[Any]:
        return [given.previous_step_content, given.get_step_content("left"), given.get_step_content("both")["right"]]

    run = anywhere(Parallel(left, right, name="both"), after).run("x")
    assert run.content == [{"left": "l", "right": "r"}, "l", "r"]


def test_max_concurrency_bounds_branches(anywhere: Any) -> None:
    """So many at a time, and no more."""
    now, most = 0, 0

    async def busy(given: StepInput) -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return most

    branches = [Step(f"b{n}", executor=busy) for n in range(6)]
    run = anywhere(Parallel(*branches, max_concurrency=2)).run("x")
    assert run.status is RunStatus.COMPLETED
    assert most == 2


def test_branches_change_the_state_each_for_themselves(anywhere: Any) -> None:
    """Different keys come together; one key set to different values fails the run, and says who."""

    def put(key: str, value: int) -> Any:
        def step(given: StepInput) -> None:
            given.state[key] = value

        return Step(f"{key}{value}", executor=step)

    def state(given: StepInput) -> dict[str, int]:
        return given.state

    assert anywhere(Parallel(put("a", 1), put("b", 2)), state).run("x").content == {"a": 1, "b": 2}
    run = anywhere(Parallel(put("a", 1), put("a", 2)), state).run("x")
    assert run.error is not None
    assert (run.error.code, "'a1' and 'a2' both set state['a']" in run.error.message) == ("step_failed", True)


@pytest.mark.parametrize(("evaluator", "content"), [(True, 2), (False, 3), (lambda given: given.input == "x", 2)])
def test_a_condition_takes_one_branch(anywhere: Any, evaluator: Any, content: int) -> None:
    """steps when met, else_steps when not."""

    def add_two(given: StepInput) -> int:
        return int(given.previous_step_content) + 2

    run = anywhere(one, Condition(evaluator, [add], [add_two])).run("x")
    assert run.content == content
    assert [s.detail for s in run.steps if s.kind == "condition"] == [{"met": content == 2}]


def test_a_condition_that_does_not_apply_lets_the_content_pass(anywhere: Any) -> None:
    """Without else_steps; what did not run is skipped by name."""

    def look(given: StepInput) -> list[Any]:
        output = given.get_step_output("condition")
        return [given.previous_step_content, output is not None and output.skipped]

    assert anywhere(one, Condition(False, [add]), look).run("x").content == [1, True]
    assert anywhere(one, Condition(False, [add])).run("x").content == 1


def test_a_loop_goes_on_until_its_end_condition(anywhere: Any) -> None:
    """Each round gets the content of the one before; the condition sees the round's outputs."""
    seen: list[list[int]] = []

    def enough(outputs: list[StepOutput[Any]]) -> bool:
        seen.append([output.content for output in outputs])
        return outputs[-1].content >= 5

    run = anywhere(one, Loop([add, Step("again", executor=add)], end_condition=enough, max_iterations=9)).run("x")
    assert run.content == 5
    assert seen == [[2, 3], [4, 5]]
    assert run.steps[-1].detail == {"iterations": 2, "ended": "end_condition"}


def test_a_loop_that_reaches_max_iterations_says_so(anywhere: Any) -> None:
    """It is no failure, and it is visible."""
    run = anywhere(one, Loop([add], end_condition=lambda _: False, max_iterations=3)).run("x")
    assert (run.status, run.content) == (RunStatus.COMPLETED, 4)
    assert run.steps[-1].detail == {"iterations": 3, "ended": "max_iterations"}


def test_a_router_runs_what_its_selector_picks(anywhere: Any) -> None:
    """A name, a step, a function, or a list of them in their order; a step within a choice of several; nothing."""
    ten = Step("ten", executor=lambda given: given.previous_step_content * 10)
    choices = [add, ten, Steps([add, ten], name="both")]
    picks: list[tuple[Any, int]] = [("add", 2), (ten, 10), (add, 2), (["ten", "add"], 11), ("both", 20), (None, 1)]
    for pick, content in picks:
        assert anywhere(one, Router(lambda _, pick=pick: pick, choices)).run("x").content == content
    run = anywhere(one, Router(lambda _: "elsewhere", choices)).run("x")
    assert run.error is not None
    assert (run.error.code, run.error.message) == (
        "step_failed",
        "step router: its selector picked 'elsewhere'; it may pick each of add, both, ten once",
    )


def test_a_step_may_stop_the_workflow(anywhere: Any) -> None:
    """Also from deep within: the run is COMPLETED with that content; branches beside it end first."""

    def halt(given: StepInput) -> StepOutput[str]:
        return StepOutput("that's it", stop=True)

    assert anywhere(one, halt, shout).run("x").content == "that's it"
    nested = Loop([Condition(True, [Steps([halt])]), shout], max_iterations=3)
    run = anywhere(nested, shout).run("x")
    assert (run.status, run.content) == (RunStatus.COMPLETED, "that's it")
    assert run.steps[-1].detail == {"iterations": 1, "ended": "stop"}
    assert anywhere(Parallel(halt, one), shout).run("x").content == {"halt": "that's it", "one": 1}


def test_workflows_stream_their_steps(anywhere: Any) -> None:
    """Each step as it begins and once it has ended; the run comes last."""
    events = list(anywhere(one, Parallel(add, Step("other", executor=add))).run("x", stream=True))
    told = [(e.kind, e.step) for e in events if isinstance(e, RunEvent)]
    assert told[:3] == [("started", None), ("step_started", "one"), ("step_ended", "one")]
    assert set(told[3:]) == {(k, f"parallel/{n}") for k in ("step_started", "step_ended") for n in ("add", "other")}
    assert isinstance(events[-1], RunOutput)


def test_wrong_workflows_are_refused_when_they_are_made() -> None:
    """With a sentence that says where."""

    def unkept(given: StepInput) -> threading.Lock:
        return threading.Lock()

    wrong: list[tuple[Any, str]] = [
        (lambda: Workflow(steps=[one]), "needs id= or name="),
        (lambda: Workflow(id="w", steps=[]), "has no steps"),
        (lambda: Workflow(id="w", steps=[one, one]), "two steps named 'one'"),
        (lambda: Workflow(id="w", steps=[Condition(True, [one], [one])]), "two steps named 'one'"),
        (lambda: Workflow(id="w", steps=[7]), "7 is no step"),
        (lambda: Workflow(id="w", steps=[lambda given: 1]), "give name="),
        (lambda: Step("s"), "exactly one of agent=, executor=, workflow="),
        (lambda: Step("s", executor=one, retries=-1), "0 or more retries"),
        (lambda: Step("a/b", executor=one), "without / and brackets"),
        (lambda: Loop([one], max_iterations=0), "1 or more"),
        (lambda: Step(executor=unkept), "cannot be kept as JSON"),
    ]
    for make, words in wrong:
        with pytest.raises(UsageError, match=rf"^workflow_invalid: .*{words}"):
            make()
