"""An agent on a simulated provider: OPENAI_BASE_URL says where it is."""

import os
from decimal import Decimal

from pydantic import BaseModel

from nightdrop import Agent
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What the model is asked for."""

    invoice_number: str
    total: Decimal


agent = Agent(
    id="paid",
    model="openai-chat:gpt-4o-mini",
    instructions="Extract the invoice.",
    output_schema=Paid,
    retries=int(os.environ.get("TEST_RETRIES", "3")),
    db=database_at(os.environ["TEST_DB"]),
)
