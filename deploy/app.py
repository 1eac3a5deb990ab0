"""What the workers execute: put your own agents here. The database and the model come from the environment."""

import os

from nightdrop import Agent, AgentOS
from nightdrop.schemas import Invoice
from nightdrop.store.place import database_at

db = database_at(os.environ.get("NIGHTDROP_DB", "nightdrop.db"))

agent_os = AgentOS(
    agents=[
        Agent(
            id="invoice-extractor",
            model=os.environ.get("APP_MODEL", "local"),
            instructions="Extract invoice fields and line items. Null for what is missing.",
            output_schema=Invoice,
            retries=2,
        ),
    ],
    db=db,
)
