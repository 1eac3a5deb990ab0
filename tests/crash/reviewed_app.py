"""An agent whose answers are always in doubt, on the database that the test names."""

import os

from pydantic import BaseModel

from nightdrop import Agent, ReviewPolicy
from nightdrop.store.place import database_at


class Bill(BaseModel):
    """What the model is asked for."""

    number: str
    total: str


agent = Agent(
    id="reviewed",
    model="openai-chat:gpt-4o-mini",
    output_schema=Bill,
    review=ReviewPolicy(),
    db=database_at(os.environ["TEST_DB"]),
)
