"""The workflow of benchmarks/workflow_kills.py, with every kind of node: TEST_DB names its database, EXECUTION_LOG the
file to which each step and each decision writes a line when it begins."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel

from nightdrop import Agent, Condition, Loop, Parallel, Router, Step, StepInput, Steps, Workflow, pause
from nightdrop.store.place import database_at

SECONDS = (0.01, 0.12)
"""How long a step takes."""


class Paid(BaseModel):
    """What the model is asked for."""

    invoice_number: str


class Marks(BaseModel):
    """What the steps before have left."""

    number: int
    marks: list[str]


def begun(given: StepInput, path: str) -> None:
    """Append document and path to the log, in one write."""
    log = os.open(os.environ["EXECUTION_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(log, f"{given.files[0].filename} {path}\n".encode())
    os.close(log)


def sync_step(path: str, mark: str) -> Callable[[StepInput], str]:
    """A sync function that takes a moment."""

    def step(given: StepInput) -> str:
        begun(given, path)
        time.sleep(random.uniform(*SECONDS))
        return mark

    return step


def async_step(path: str, mark: str) -> Callable[[StepInput], Awaitable[str]]:
    """An async function that takes a moment."""

    async def step(given: StepInput) -> str:
        begun(given, path)
        await asyncio.sleep(random.uniform(*SECONDS))
        return mark

    return step


def decide(path: str, answer: Callable[[StepInput], Any]) -> Callable[[StepInput], Any]:
    """A decision that takes a moment."""

    def decision(given: StepInput) -> Any:
        begun(given, path)
        time.sleep(random.uniform(*SECONDS))
        return answer(given)

    return decision


def number(given: StepInput) -> Marks:
    """The sync function: reads the document's number, and begins a list in the state."""
    begun(given, "sync")
    time.sleep(random.uniform(*SECONDS))
    found = int(given.files[0].read().decode().split("number ")[1].split()[0])
    given.state["number"] = found
    return Marks(number=found, marks=["sync"])


async def is_seen(given: StepInput) -> Marks:
    """The async function."""
    begun(given, "async")
    await asyncio.sleep(random.uniform(*SECONDS))
    before: Marks = given.previous_step_content
    return Marks(number=before.number, marks=[*before.marks, "async"])


def asked(given: StepInput) -> str:
    """The message of the agent's step, which says that the step begins."""
    begun(given, "agent")
    return "Read."


def round_of(given: StepInput) -> list[int]:
    """A loop's step: one number more in each round."""
    so_far = given.previous_step_content if isinstance(given.previous_step_content, list) else []
    begun(given, f"loop[{len(so_far) + 1}]/round")
    time.sleep(random.uniform(*SECONDS))
    return [*so_far, given.state["number"]]


def person(given: StepInput) -> str:
    """The step that pauses."""
    begun(given, "paused")
    time.sleep(random.uniform(*SECONDS))
    return f"paused {pause('Is it right?', number=given.state['number'])}"


def last(given: StepInput) -> Marks:
    """Everything together."""
    begun(given, "last")
    branches = given.get_step_content("parallel")
    marks = [
        *given.get_step_content("async").marks,
        given.get_step_content("agent").invoice_number,
        given.get_step_content("steps"),
        *[str(n) for n in given.get_step_content("loop")],
        *[branches[name] for name in sorted(branches)],
        given.get_step_content("condition"),
        given.get_step_content("router"),
        given.get_step_content("nested"),
        given.get_step_content("paused"),
    ]
    return Marks(number=given.state["number"], marks=marks)


def expected(of: int) -> dict[str, Any]:
    """The content of the run over the document with this number."""
    parity = "even" if of % 2 == 0 else "odd"
    branches = ["parallel a", "parallel b", "parallel c"]
    marks = ["sync", "async", "R-7", "steps 2", *[str(of)] * 3, *branches, parity, "router", "nested 2", "paused yes"]
    return {"number": of, "marks": marks}


def has_three(outputs: list[Any]) -> bool:
    """The loop's end."""
    return len(outputs[-1].content) == 3


if "TEST_DB" in os.environ:
    paid = Agent(id="agent", model="openai-chat:gpt-4o-mini", output_schema=Paid)
    nested = Workflow(
        id="nested-one",
        steps=[
            Step("one", executor=sync_step("nested/one", "nested 1")),
            Step("two", executor=async_step("nested/two", "nested 2")),
        ],
    )
    workflow = Workflow(
        id="kills",
        steps=[
            Step("sync", executor=number),
            Step("async", executor=is_seen),
            Step("agent", agent=paid, message=asked),
            Steps(
                [
                    Step("one", executor=sync_step("steps/one", "steps 1")),
                    Step("two", executor=async_step("steps/two", "steps 2")),
                ],
                name="steps",
            ),
            Loop([Step("round", executor=round_of)], max_iterations=5, end_condition=has_three, name="loop"),
            Parallel(
                Step("a", executor=sync_step("parallel/a", "parallel a")),
                Step("b", executor=async_step("parallel/b", "parallel b")),
                Steps([Step("c", executor=sync_step("parallel/deep/c", "parallel c"))], name="deep"),
                name="parallel",
            ),
            Condition(
                decide("condition", lambda given: given.state["number"] % 2 == 0),
                [Step("even", executor=sync_step("condition/even", "even"))],
                [Step("odd", executor=async_step("condition/odd", "odd"))],
                name="condition",
            ),
            Router(
                decide("router", lambda given: ["first", "second"]),
                [
                    Step("second", executor=async_step("router/second", "router")),
                    Step("first", executor=sync_step("router/first", "first")),
                ],
                name="router",
            ),
            Step("nested", workflow=nested),
            Step("paused", executor=person),
            Step("last", executor=last),
        ],
        db=database_at(os.environ["TEST_DB"]),
    )
