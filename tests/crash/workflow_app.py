"""A workflow with every kind of node whose steps write a line each time they have run."""

import asyncio
import os
import time

from pydantic import BaseModel

from nightdrop import Agent, Condition, Loop, Parallel, Router, Step, StepInput, StepOutput, Steps, Workflow
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What the model is asked for."""

    invoice_number: str


class Checked(BaseModel):
    """What a step makes of it."""

    number: str
    marks: list[str]


def ran(given: StepInput, step: str) -> None:
    """Append document and step to the log, in one write."""
    log = os.open(os.environ["EXECUTION_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(log, f"{given.files[0].filename} {step}\n".encode())
    os.close(log)


def first(given: StepInput) -> Checked:
    """Read the document's own number."""
    number = given.files[0].read().decode().split("INV-")[1][:5]
    given.state["seen"] = [number]
    ran(given, "first")
    return Checked(number=number, marks=[])


def left(given: StepInput) -> dict[str, str]:
    """A sync branch that takes a moment."""
    time.sleep(0.03)
    given.state["left"] = given.previous_step_content.number
    ran(given, "parallel/left")
    return {"left": given.previous_step_content.number}


async def right(given: StepInput) -> str:
    """An async branch that takes a moment."""
    await asyncio.sleep(0.02)
    ran(given, "parallel/right/right")
    return f"right {given.previous_step_content.number}"


def deeper(given: StepInput) -> str:
    """Behind the async branch."""
    ran(given, "parallel/right/deeper")
    return f"{given.previous_step_content}, deeper"


def is_even(given: StepInput) -> bool:
    """Decide by the document."""
    ran(given, "condition")
    return int(given.get_step_content("first").number) % 2 == 0


def even(given: StepInput) -> str:
    """Of even documents."""
    ran(given, "condition/even")
    return "even"


def odd(given: StepInput) -> str:
    """Of odd documents."""
    ran(given, "condition/odd")
    return "odd"


def draft(given: StepInput) -> list[str]:
    """One mark more in each round."""
    so_far = given.previous_step_content if isinstance(given.previous_step_content, list) else []
    ran(given, f"loop[{len(so_far) + 1}]/draft")
    return [*so_far, given.get_step_content("parallel")["left"]["left"]]


def choose(given: StepInput) -> list[str]:
    """Both, the second first."""
    ran(given, "router")
    return ["second", "inner"]


def second(given: StepInput) -> int:
    """How many marks there are."""
    ran(given, "router/second")
    return len(given.previous_step_content)


def innermost(given: StepInput) -> int:
    """Of a workflow within the workflow."""
    ran(given, "router/inner/innermost")
    return int(given.previous_step_content) * 10


def last(given: StepInput) -> StepOutput[Checked]:
    """Everything together."""
    branches = given.get_step_content("parallel")
    assert branches["paid"].invoice_number == "R-7"
    ran(given, "last")
    marks = [
        *given.get_step_content("draft"),
        branches["right"],
        given.get_step_content("condition"),
        str(given.previous_step_content),
        *given.state["seen"],
        given.state["left"],
    ]
    return StepOutput(Checked(number=given.get_step_content("first").number, marks=marks))


paid = Agent(id="paid", model="openai-chat:gpt-4o-mini", output_schema=Paid)
inner = Workflow(id="inner", steps=[innermost])

workflow = Workflow(
    id="everything",
    steps=[
        first,
        Parallel(left, Steps([right, deeper], name="right"), paid),
        Condition(is_even, [even], [odd]),
        Loop([draft], max_iterations=5, end_condition=lambda outputs: len(outputs[-1].content) == 2),
        Router(choose, [Step("inner", workflow=inner, retries=1), second]),
        last,
    ],
    db=database_at(os.environ["TEST_DB"]),
)
