"""The agent of benchmarks/limits.py: BENCH_DB names its database, BENCH_LIMITS (JSON) its limits, if any."""

import json
import os

from pydantic import BaseModel

from nightdrop import Agent, RateLimit
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What the model is asked for."""

    invoice_number: str


agent = Agent(
    id="bounded",
    model="openai-chat:gpt-4o-mini",
    output_schema=Paid,
    db=database_at(os.environ["BENCH_DB"]),
    limits=RateLimit(**json.loads(os.environ.get("BENCH_LIMITS", "{}"))),
)
