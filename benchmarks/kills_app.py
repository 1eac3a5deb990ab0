"""The agent of benchmarks/kills.py: TEST_DB names its database."""

import os

from pydantic import BaseModel

from nightdrop import Agent
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What the models are asked for."""

    invoice_number: str
    total: str


agent = Agent(
    id="killed",
    model=["openai-chat:gpt-4o-mini", "anthropic:claude-sonnet-4-6"],
    instructions="Extract the invoice. Null for what is missing. " * 100,
    output_schema=Paid,
    retries=4,
    db=database_at(os.environ["TEST_DB"]),
)
