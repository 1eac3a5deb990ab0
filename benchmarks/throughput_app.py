"""The agent of benchmarks/throughput.py for its worker processes; BENCH_DB says where the database is."""

import os

from pydantic import BaseModel

from nightdrop import Agent
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What is asked for."""

    invoice_number: str
    total: float


agent = Agent(id="bench", model="openai-chat:gpt-4o-mini", output_schema=Paid, db=database_at(os.environ["BENCH_DB"]))
