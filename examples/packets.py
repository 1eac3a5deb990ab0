"""Claims packets: one PDF of a claim form, a repair estimate and a police report becomes one checked record.

    nightdrop run incoming --workflow examples/packets.py:workflow --message "Extract what is there. Null for the rest."

One call names the documents of a packet by their pages, one more reads each kind of them. A person is asked where the
kinds are in doubt, where an estimate does not add up, and for what is needed and nobody is sure of.
"""

import os
from datetime import date
from decimal import Decimal

from pydantic import BaseModel

from nightdrop import Agent, Condition, Router, Step, StepInput, StepOutput, Steps, Workflow, pause
from nightdrop.rules import adds_up, required
from nightdrop.steps import Classify, Export, Extract, Merge, Split, Validate, doubtful
from nightdrop.store.place import database_at

SURE = 0.5
NEEDED = ("claim_number", "claimant", "total")
MODEL = os.environ.get("PACKETS_MODEL", "openai:gpt-5.5-mini")


class ClaimForm(BaseModel):
    """What the insured says."""

    claim_number: str | None = None
    claimant: str | None = None
    date_of_loss: date | None = None


class Estimate(BaseModel):
    """What the repair is going to cost."""

    claim_number: str | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal | None = None


class PoliceReport(BaseModel):
    """What the police have written down."""

    report_number: str | None = None
    date_of_loss: date | None = None


class Claim(ClaimForm, Estimate, PoliceReport):
    """All of it, each value from where it is surest."""


def put_aside(given: StepInput) -> list[str]:
    """Pages that nothing is read of; the record names them."""
    return [file.filename or "" for file in given.files if file.label == "other"]


def open_fields(given: StepInput) -> list[str]:
    """What is needed, and missing or in doubt."""
    output = given.previous_step_output
    doubts = doubtful(output, SURE)
    return [name for name in NEEDED if output is None or output.data.get(name) is None or name in doubts]


def is_open(given: StepInput) -> bool:
    """Whether a person is needed."""
    return bool(open_fields(given))


def person(given: StepInput) -> StepOutput[Claim]:
    """Ask a person for these fields; the answer is a dict of them. Found values that are kept keep their places."""
    claim, before = given.previous_step_content, given.previous_step_output
    names = open_fields(given)
    answer = pause("Which are the right values?", found={name: before.data.get(name) for name in names})
    kept = {path: field for path, field in before.fields.items() if path not in answer}
    return StepOutput(Claim.model_validate({**claim.model_dump(), **answer}), fields=kept)


kinds = Classify(
    {
        "claim form": "filled in by the insured",
        "estimate": "of a garage, with the price of the repair",
        "police report": "",
        "other": "anything else, also blank pages",
    },
    agent=Agent(id="packets-sorter", model=MODEL),
    pages=True,
    name="kinds",
)
estimate = Agent(id="packets-estimate", model=MODEL, output_schema=Estimate)
sums = Validate([adds_up(["net", "tax"], "total")], returns=Estimate)

workflow = Workflow(
    id="packets",
    steps=[
        kinds,
        Step("parts", executor=Split()),
        Router(
            kinds.by_label,
            [
                Extract(Agent(id="packets-form", model=MODEL, output_schema=ClaimForm), "claim form"),
                Steps(
                    [Extract(estimate, "estimate", name="read"), Step("sums", executor=sums, on_error="pause")],
                    name="estimate",
                ),
                Extract(Agent(id="packets-police", model=MODEL, output_schema=PoliceReport), "police report"),
                Step("other", executor=put_aside),
            ],
            name="by kind",
        ),
        Step("claim", executor=Merge(of=["claim form", "estimate", "police report"], returns=Claim)),
        Condition(is_open, [person], name="in doubt"),
        Step("complete", executor=Validate([required(*NEEDED)], returns=Claim)),
        Step("export", executor=Export(os.environ.get("PACKETS_TO", "claims"), returns=Claim), retries=5),
    ],
    db=database_at(os.environ.get("NIGHTDROP_DB", "packets.db")),
)
