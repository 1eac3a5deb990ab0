"""A workflow in whose middle a step asks a person; its steps write a line each time they begin."""

import asyncio
import os

from nightdrop import StepInput, Workflow, pause
from nightdrop.store.place import database_at


def begun(step: str) -> None:
    """Append the step to the log, in one write."""
    log = os.open(os.environ["EXECUTION_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(log, f"{step}\n".encode())
    os.close(log)


def before(given: StepInput) -> int:
    """Ends before the question."""
    begun("before")
    return 20


async def asks(given: StepInput) -> int:
    """Asks for the other half, and may take its time over the answer."""
    begun("asks")
    more = int(pause("How many more?"))
    await asyncio.sleep(float(os.environ.get("SECONDS_AFTER_THE_ANSWER", "0")))
    return int(given.previous_step_content) + more


def after(given: StepInput) -> int:
    """Goes on with the answer."""
    begun("after")
    return int(given.previous_step_content)


workflow = Workflow(id="pausing", steps=[before, asks, after], db=database_at(os.environ["TEST_DB"]))
