"""Agents of the limits tests: TEST_DB names the database, the providers' variables where they are."""

import os

from pydantic import BaseModel

from nightdrop import Agent, AgentOS, RateLimit
from nightdrop.store.place import database_at


class Paid(BaseModel):
    """What the model is asked for."""

    invoice_number: str


def limits() -> RateLimit | None:
    """LIMITS: three numbers as `rpm tpm concurrency`, 0 for none."""
    given = [int(n) for n in os.environ.get("LIMITS", "").split()]
    if not given:
        return None
    rpm, tpm, at_once = given
    return RateLimit(
        requests_per_minute=rpm or None, tokens_per_minute=tpm or None, concurrency=at_once if at_once else "auto"
    )


db = database_at(os.environ["TEST_DB"])
agent = Agent(
    id="limited",
    model="openai-chat:gpt-4o-mini",
    output_schema=Paid,
    retries=int(os.environ.get("RETRIES", "1")),
    limits=limits(),
    db=db,
)
agent_os = AgentOS(agents=[agent], db=db)
