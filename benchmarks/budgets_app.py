"""The agent of benchmarks/budgets.py: TEST_DB names its database."""

import os

from pydantic import BaseModel

from nightdrop import Agent
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What the model is asked for."""

    invoice_number: str


agent = Agent(id="thrifty", model="openai-chat:gpt-4o-mini", output_schema=Paid, db=database_at(os.environ["TEST_DB"]))
