"""An agent on a simulated provider whose tool asks a person."""

import os

from pydantic import BaseModel

from nightdrop import Agent, pause
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What the model is asked for."""

    invoice_number: str


def approve(amount: int) -> str:
    """Ask whether an amount may be paid."""
    return str(pause("Approve?", amount=amount))


agent = Agent(
    id="asking",
    model="openai-chat:gpt-4o-mini",
    output_schema=Paid,
    tools=[approve],
    db=database_at(os.environ["TEST_DB"]),
)
