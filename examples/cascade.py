"""From cheap to sure: the local reader, a small model for what it is unsure of, a larger one, and at last a person.

    nightdrop run incoming --workflow examples/cascade.py:workflow

Each document goes only as far as it has to. A value that two of them found is taken from the one that is surer.
"""

import os

from nightdrop import Agent, Condition, Step, StepInput, StepOutput, Steps, Workflow, pause
from nightdrop.schemas import Invoice
from nightdrop.steps import Merge, doubtful
from nightdrop.store.place import database_at

SURE = 0.75
NEEDED = ("invoice_number", "date", "total", "currency")
MESSAGE = "Extract this invoice. Null for what is not there."


def open_fields(given: StepInput) -> list[str]:
    """What is needed and in doubt after the step before."""
    doubts = doubtful(given.previous_step_output, SURE)
    return [name for name in NEEDED if name in doubts or "*" in doubts]


def is_open(given: StepInput) -> bool:
    """Whether the next, dearer one is worth asking."""
    return bool(open_fields(given))


def person(given: StepInput) -> StepOutput[Invoice]:
    """Ask a person for the fields that nobody was sure of; the answer is a dict of them."""
    names = open_fields(given)
    invoice = given.previous_step_content
    found = {name: str(getattr(invoice, name)) for name in names}
    answer = pause("Which are the right values?", found=found)
    return StepOutput(Invoice.model_validate({**invoice.model_dump(), **answer}))


local = Agent(id="cascade-local", model="local", output_schema=Invoice)
small = Agent(id="cascade-small", model=os.environ.get("CASCADE_SMALL", "openai:gpt-5.5-mini"), output_schema=Invoice)
large = Agent(id="cascade-large", model=os.environ.get("CASCADE_LARGE", "openai:gpt-5.5"), output_schema=Invoice)

workflow = Workflow(
    id="cascade",
    steps=[
        Step("local", agent=local, on_error="skip"),
        Condition(
            is_open,
            [
                Step("small", agent=small, message=MESSAGE),
                Step("two", executor=Merge(of=["small", "local"], returns=Invoice)),
            ],
            name="unsure",
        ),
        Condition(
            is_open,
            [
                Step("large", agent=large, message=MESSAGE),
                Step("three", executor=Merge(of=["large", "small", "local"], returns=Invoice)),
            ],
            name="still unsure",
        ),
        Condition(is_open, [Steps([person], name="review")], name="in doubt"),
    ],
    db=database_at(os.environ.get("NIGHTDROP_DB", "cascade.db")),
)
