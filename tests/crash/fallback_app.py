"""An agent with a fallback model, on two simulated providers."""

import os

from pydantic import BaseModel

from nightdrop import Agent
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What the models are asked for."""

    invoice_number: str


def look_up(number: int) -> str:
    """Look a customer up."""
    return f"customer {number}"


agent = Agent(
    id="fallback",
    model=["anthropic:claude-sonnet-4-6", "openai-chat:gpt-4o-mini"],
    output_schema=Paid,
    retries=1,
    tools=[look_up] if os.environ.get("TEST_TOOLS") else [],
    db=database_at(os.environ["TEST_DB"]),
)
