"""What the processes of `schedules.py` serve: a local agent that fires schedules."""

import os

from nightdrop import Agent, AgentOS
from nightdrop.schemas import Invoice
from nightdrop.store.place import database_at

agent = Agent(id="invoices", model="local", output_schema=Invoice, db=database_at(os.environ["BENCHMARK_DB"]))
agent_os = AgentOS(agents=[agent], scheduler=True)
