"""An agent with a budget: TEST_DB names the database, BUDGET its budget as JSON."""

import json
import os

from pydantic import BaseModel

from nightdrop import Agent, AgentOS, Budget
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What the model is asked for."""

    invoice_number: str


db = database_at(os.environ["TEST_DB"])
agent = Agent(
    id="thrifty",
    model=f"openai-chat:{os.environ.get('MODEL', 'gpt-4o-mini')}",
    output_schema=Paid,
    retries=int(os.environ.get("RETRIES", "1")),
    budget=Budget(**json.loads(os.environ["BUDGET"])) if "BUDGET" in os.environ else None,
    db=db,
)
agent_os = AgentOS(agents=[agent], db=db)
