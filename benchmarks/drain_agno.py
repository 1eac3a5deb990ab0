"""Agno 3.1.10's durable queue for benchmarks/drain.py: Postgres, text input (it cannot carry files).

Handing in posts to the AgentOS app inside the process, without the cost of HTTP, and without starting its worker.
"""

from __future__ import annotations

import os
from pathlib import Path

import drain_side
import httpx
from agno.agent import Agent
from agno.db.postgres import PostgresDb
from agno.job_queue import QueueConfig
from agno.models.openai import OpenAIChat
from agno.os import AgentOS
from agno.os.job_queue import QueueWorker, resolve_queue_store, set_active_queue_worker
from pydantic import BaseModel


class Paid(BaseModel):
    """What is asked for."""

    invoice_number: str
    total: float


db = PostgresDb(db_url=drain_side.place().replace("postgresql://", "postgresql+psycopg://", 1))
model = OpenAIChat(id=drain_side.MODEL, base_url=os.environ["OPENAI_BASE_URL"], api_key="simulated")
agent = Agent(id="drain", model=model, db=db, output_schema=Paid, telemetry=False)
queue = QueueConfig(durable=True, max_concurrency=drain_side.CONCURRENCY, max_queue_depth=0, poll_interval=0.1)
agent_os = AgentOS(agents=[agent], db=db, queue=queue, telemetry=False)


async def enqueuer() -> drain_side.One:
    """Posts a background run; 202 when its ticket is committed."""
    app = agent_os.get_app()

    async def nobody(*_: object) -> None:
        return None

    set_active_queue_worker(QueueWorker(store=resolve_queue_store(queue, db), resolve_component=nobody, config=queue))
    transport = httpx.ASGITransport(app=app)
    client = httpx.AsyncClient(transport=transport, base_url="http://agno", timeout=120)

    async def one(path: Path) -> None:
        message = f"{drain_side.INSTRUCTIONS}\n{drain_side.text_of(path)}"
        form = {"message": message, "background": "true", "stream": "false"}
        answer = await client.post("/agents/drain/runs", data=form)
        if answer.status_code != 202:
            raise SystemExit(f"Agno answered {answer.status_code}: {answer.text[:500]}")

    return one


def work() -> None:
    """A replica with its queue worker, until it is killed."""
    import uvicorn

    uvicorn.run(agent_os.get_app(), host="127.0.0.1", port=0, log_level="warning")


if __name__ == "__main__":
    drain_side.play(enqueuer, work)
